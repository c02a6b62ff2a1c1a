// Runs exported models in onnxruntime on the inputs of their metadata entry "probe" and compares with the outputs there.
//
//   NODE_PATH=.../node_modules node onnx_run.js FILE ...     prints the largest differences; ends with 1 where one is 1e-5
//                                                            or more
// Translators are named by their encoder, FILE.encoder.onnx; the decoder is run step by step.
const fs = require('fs');
const ort = require('onnxruntime-node');

// ---- the metadata, which onnxruntime does not hand out: field 14 of the file, with key 1 and value 2 ----

function varint(data, at) {
  let value = 0, scale = 1;
  for (;;) {
    const byte = data[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
    scale *= 128;
  }
}

function* fields(data) {
  for (let at = 0; at < data.length;) {
    let key, size;
    [key, at] = varint(data, at);
    const number = Math.floor(key / 8), wire = key % 8;
    if (wire === 2) {
      [size, at] = varint(data, at);
      yield [number, data.subarray(at, at + size)];
      at += size;
    } else if (wire === 0) {
      [, at] = varint(data, at);
    } else {
      at += wire === 5 ? 4 : 8;
    }
  }
}

function metadata(path) {
  const found = {};
  for (const [number, bytes] of fields(fs.readFileSync(path))) {
    if (number !== 14) continue;
    const entry = Object.fromEntries(fields(bytes));
    found[entry[1].toString()] = entry[2] ? entry[2].toString() : '';
  }
  return found;
}

// ---- tensors ----

function shapeOf(x) {
  return Array.isArray(x) ? [x.length, ...shapeOf(x[0])] : [];
}

const flat = (x) => Array.isArray(x) ? x.flat(Infinity) : [x];

function tensor(type, x, shape = shapeOf(x)) {
  return type === 'int64' ? new ort.Tensor(type, BigInt64Array.from(flat(x).map(BigInt)), shape)
                          : new ort.Tensor(type, Float32Array.from(flat(x)), shape);
}

const product = (shape) => shape.reduce((a, b) => a * b, 1);

// The inputs that a session asks for; states that are not given are zeros.
function feeds(session, inputs) {
  const batch = inputs.lengths.length;
  return Object.fromEntries(session.inputMetadata.map((input) => {
    const {name, type, shape} = input;
    if (name in inputs) return [name, inputs[name] instanceof ort.Tensor ? inputs[name] : tensor(type, inputs[name])];
    const dims = shape.map((n) => n === 'batch' ? batch : n);
    return [name, tensor(type, new Array(product(dims)).fill(0), dims)];
  }));
}

// The largest difference of numbers that both have; `wanted` may have fewer outputs in its last axis.
function difference(found, wanted) {
  const dims = found.dims, shape = shapeOf(wanted), values = flat(wanted);
  const wide = dims[dims.length - 1], narrow = shape[shape.length - 1];
  if (dims.slice(0, -1).join() !== shape.slice(0, -1).join() || narrow > wide) throw new Error(`axes ${dims} for ${shape}`);
  let most = 0;
  values.forEach((v, i) => {
    const x = Number(found.data[Math.floor(i / narrow) * wide + i % narrow]);
    if (v !== null && !(Math.abs(x - v) <= most)) most = Math.abs(x - v);
  });
  return most;
}

// ---- nets ----

async function runNet(session, probe) {
  const found = await session.run(feeds(session, probe.inputs));
  let most = 0;
  for (const [name, wanted] of Object.entries(probe.outputs)) most = Math.max(most, difference(found[name], wanted));
  return most;
}

// A running text in two pieces, the states of the first handed to the second.
async function runPieces(session, probe) {
  const names = session.inputNames.filter((name) => session.outputNames.includes('next_' + name));
  if (names.length === 0) return 0;
  const at = 2, row = probe.inputs.lengths.indexOf(Math.max(...probe.inputs.lengths));
  const ids = probe.inputs.source[row].slice(0, probe.inputs.lengths[row]);
  const first = await session.run(feeds(session, {source: [ids.slice(0, at)], lengths: [at]}));
  const carried = Object.fromEntries(names.map((name) => [name, first['next_' + name]]));
  const second = await session.run(feeds(session, {source: [ids.slice(at)], lengths: [ids.length - at], ...carried}));
  const wanted = probe.outputs.probabilities[row].slice(at, ids.length);
  return difference(second.probabilities, [wanted]);
}

// Every step of the decoder for all rows, whose targets are padded with <sos>.
async function runTranslator(encoder, decoder, probe) {
  let states = {...await encoder.run(feeds(encoder, probe.inputs)), lengths: probe.inputs.lengths}, most = 0;
  for (let t = 0; t < Math.max(...probe.target.map((y) => y.length)); t++) {
    states.unit = probe.target.map((y) => t < y.length ? y[t] : 1);
    const found = await decoder.run(feeds(decoder, states));
    most = Math.max(most, difference(found.probabilities, probe.outputs.probabilities.map((row) => row[t])));
    for (const name of Object.keys(found)) {
      if (name.startsWith('next_')) states[name.slice(5)] = found[name];
    }
  }
  return most;
}

async function compare(path) {
  const probe = JSON.parse(metadata(path).probe), session = await ort.InferenceSession.create(path);
  if (path.endsWith('.encoder.onnx')) {
    const decoder = await ort.InferenceSession.create(path.replace('.encoder.', '.decoder.'));
    return runTranslator(session, decoder, probe);
  }
  return Math.max(await runNet(session, probe), await runPieces(session, probe));
}

(async () => {
  let bad = 0;
  for (const path of process.argv.slice(2)) {
    const most = await compare(path);
    console.log(`${path}: largest difference ${most.toExponential(1)} in onnxruntime`);
    bad += !(most < 1e-5);
  }
  process.exitCode = bad > 0 ? 1 : 0;
})();
