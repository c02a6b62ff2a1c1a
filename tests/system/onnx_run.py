"""Read and run ONNX files with nothing but Python, in double precision: written from the standard, with no part of Lockstep.

    onnx_run.py FILE ...    runs each on the inputs of its metadata entry "probe" and compares with the outputs there:
                            prints the largest difference, and ends with 1 where it is 1e-5 or more; translators are
                            named by their encoder, FILE.encoder.onnx
Arrays are (shape, values), values in row-major order. Operators as of opset 14, those that exported nets use.
"""
import itertools
import json
import math
import struct
import sys

# ---- Protocol Buffers ----

# Message: field number -> (name, kind); kind: a message, "int", "float", "text", "bytes"; a list where it is repeated.
TENSOR = {1: ("dims", ["int"]), 2: ("type", "int"), 4: ("floats", ["float"]), 7: ("ints", ["int"]), 8: ("name", "text"),
          9: ("raw", "bytes")}
ATTRIBUTE = {1: ("name", "text"), 2: ("f", "float"), 3: ("i", "int"), 4: ("s", "text"), 5: ("t", TENSOR), 6: ("g", "bytes"), 7: ("floats", ["float"]),
             8: ("ints", ["int"]), 20: ("type", "int")}
NODE = {1: ("input", ["text"]), 2: ("output", ["text"]), 3: ("name", "text"), 4: ("op", "text"), 5: ("attribute", [ATTRIBUTE])}
DIM = {1: ("value", "int"), 2: ("param", "text")}
VALUE = {1: ("name", "text"), 2: ("type", {1: ("tensor", {1: ("element", "int"), 2: ("shape", {1: ("dim", [DIM])})})})}
GRAPH = {1: ("node", [NODE]), 2: ("name", "text"), 5: ("initializer", [TENSOR]), 11: ("input", [VALUE]), 12: ("output", [VALUE])}
ENTRY = {1: ("key", "text"), 2: ("value", "text")}
MODEL = {1: ("ir_version", "int"), 2: ("producer", "text"), 7: ("graph", GRAPH),
         8: ("opset", [{1: ("domain", "text"), 2: ("version", "int")}]), 14: ("metadata", [ENTRY])}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return (value - (1 << 64) if value >> 63 else value), at
        shift += 7


def parse(data, message):
    found = {name: [] if isinstance(kind, list) else {} if isinstance(kind, dict) else "" if kind == "text" else b"" if kind == "bytes"
             else 0 for name, kind in message.values()}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            values, at = varint(data, at)
            values = [values]
        elif wire == 5:
            values, at = list(struct.unpack_from("<f", data, at)), at + 4
        elif wire == 1:
            values, at = list(struct.unpack_from("<d", data, at)), at + 8
        else:
            assert wire == 2, wire
            size, at = varint(data, at)
            assert at + size <= len(data)
            values, at = [data[at:at + size]], at + size
        if number not in message:
            continue
        name, kind = message[number]
        plain = kind[0] if isinstance(kind, list) else kind
        if isinstance(plain, dict):
            values = [parse(v, plain) for v in values]
        elif plain == "text":
            values = [v.decode() for v in values]
        elif wire == 2 and plain == "int":  # packed
            packed, values = values[0], []
            i = 0
            while i < len(packed):
                value, i = varint(packed, i)
                values.append(value)
        elif wire == 2 and plain == "float":
            values = list(struct.unpack("<%df" % (len(values[0]) // 4), values[0]))
        found[name] = found[name] + values if isinstance(kind, list) else values[-1]
    return found


def tensor(t):
    code, size = {1: ("f", 4), 2: ("B", 1), 6: ("i", 4), 7: ("q", 8), 11: ("d", 8)}[t["type"]]
    values = list(struct.unpack("<%d%s" % (len(t["raw"]) // size, code), t["raw"])) if t["raw"] else t["floats"] or t["ints"]
    assert len(values) == math.prod(t["dims"]), (t["name"], t["dims"], len(values))
    return (tuple(t["dims"]), values)


# ---- arrays ----

def steps(shape):
    out, step = [], 1
    for n in reversed(shape):
        out.insert(0, step)
        step *= n
    return out


def nested(x):
    """Of nested lists."""
    shape, level = [], x
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    flat = x if isinstance(x, list) else [x]
    for _ in shape[1:]:
        flat = [v for row in flat for v in row]
    assert len(flat) == math.prod(shape), "ragged"
    return (tuple(shape), flat)


def broadcast(function, *arrays):
    rank = max(len(s) for s, _ in arrays)
    padded = [((1,) * (rank - len(s)) + tuple(s), v) for s, v in arrays]
    shape = tuple(max(s[d] for s, _ in padded) if all(s[d] for s, _ in padded) else 0 for d in range(rank))
    strides = []
    for s, _ in padded:
        assert all(n in (1, m) for n, m in zip(s, shape)), ([a[0] for a in arrays])
        strides.append([0 if n == 1 else step for n, step in zip(s, steps(s))])
    values = [function(*(v[sum(i * k for i, k in zip(index, stride))] for (_, v), stride in zip(padded, strides)))
              for index in itertools.product(*map(range, shape))]
    return (shape, values)


def transpose(x, perm):
    shape, values = x
    out = tuple(shape[p] for p in perm)
    own = steps(shape)
    return (out, [values[sum(i * own[p] for i, p in zip(index, perm))] for index in itertools.product(*map(range, out))])


def along(x, axis):
    """Values of each line along an axis: (outer, inner) -> list, in order."""
    shape, values = x
    axis %= len(shape)
    inner, n = math.prod(shape[axis + 1:]), shape[axis]
    for outer in range(math.prod(shape[:axis])):
        for i in range(inner):
            yield [values[(outer * n + k) * inner + i] for k in range(n)]


def reduce(x, axis, keep, function):
    shape = x[0]
    axis %= len(shape)
    return (shape[:axis] + ((1,) if keep else ()) + shape[axis + 1:], [function(line) for line in along(x, axis)])


def softmax(x, axis, log):
    shape = x[0]
    axis %= len(shape)
    lines = []
    for line in along(x, axis):
        most = max(line)
        total = sum(math.exp(v - most) for v in line)
        lines.append([v - most - math.log(total) if log else math.exp(v - most) / total for v in line])
    inner, n = math.prod(shape[axis + 1:]), shape[axis]
    return (shape, [lines[o * inner + i][k] for o in range(math.prod(shape[:axis])) for k in range(n) for i in range(inner)])


def matmul(a, b):
    (sa, va), (sb, vb) = a, b
    m, k, n = sa[-2] if len(sa) > 1 else 1, sa[-1], sb[-1]
    assert sb[-2] == k, (sa, sb)
    batch = sa[:-2]
    own = len(sb) > 2
    assert not own or sb[:-2] == batch
    out = []
    for c in range(math.prod(batch)):
        wide = c * k * n if own else 0
        for i in range(m):
            row = va[(c * m + i) * k:(c * m + i + 1) * k]
            out += [sum(row[p] * vb[wide + p * n + j] for p in range(k)) for j in range(n)]
    return (batch + ((m,) if len(sa) > 1 else ()) + (n,), out)


def concat(axis, *arrays):
    axis %= len(arrays[0][0])
    shape = list(arrays[0][0])
    outer = math.prod(shape[:axis])
    shape[axis] = sum(s[axis] for s, _ in arrays)
    out = []
    for o in range(outer):
        for s, v in arrays:
            assert s[:axis] + s[axis + 1:] == arrays[0][0][:axis] + arrays[0][0][axis + 1:], [a[0] for a in arrays]
            size = math.prod(s[axis:])
            out += v[o * size:(o + 1) * size]
    return (tuple(shape), out)


# ---- recurrent layers, as the standard defines them ----

def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def product(w, offset, rows, x):
    n = len(x)
    return [sum(w[offset + r * n + i] * x[i] for i in range(n)) for r in range(rows)]


def lstm_step(H, wx, rh, wb, rb, h, c):
    a = [wx[k] + rh[k] + wb[k] + rb[k] for k in range(4 * H)]
    i, o, f, g = ([function(v) for v in a[k * H:(k + 1) * H]] for k, function in enumerate((sigmoid, sigmoid, sigmoid, math.tanh)))
    c = [f[u] * c[u] + i[u] * g[u] for u in range(H)]
    return [o[u] * math.tanh(c[u]) for u in range(H)], c


def gru_step(H, wx, rh, wb, rb, h, c):
    z, r = ([sigmoid(wx[k] + rh[k] + wb[k] + rb[k]) for k in range(g * H, (g + 1) * H)] for g in (0, 1))
    new = [math.tanh(wx[k] + wb[k] + r[u] * (rh[k] + rb[k])) for u, k in enumerate(range(2 * H, 3 * H))]
    return [(1 - z[u]) * new[u] + z[u] * h[u] for u in range(H)], c


def rnn_step(H, wx, rh, wb, rb, h, c):
    return [math.tanh(wx[u] + rh[u] + wb[u] + rb[u]) for u in range(H)], c


def recurrent(step, gates, attributes, x, w, r, b=None, lengths=None, h0=None, c0=None):
    (T, B, size), values = x
    D, H = w[0][0], attributes["hidden_size"]
    assert w[0] == (D, gates * H, size) and r[0] == (D, gates * H, H) and (b is None or b[0] == (D, 2 * gates * H))
    assert gates != 3 or attributes["linear_before_reset"] == 1
    assert attributes["direction"] == ("forward" if D == 1 else "bidirectional")
    y = [0.0] * (T * D * B * H)
    ends = [[], []]
    for d in range(D):
        wb, rb = ([0.0] * (gates * H),) * 2
        if b:
            bias = b[1][d * 2 * gates * H:(d + 1) * 2 * gates * H]
            wb, rb = bias[:gates * H], bias[gates * H:]
        for n in range(B):
            h, c = ([0.0] * H if s is None else s[1][(d * B + n) * H:(d * B + n + 1) * H] for s in (h0, c0))
            times = range(T if lengths is None else lengths[1][n])
            for t in times if d == 0 else reversed(times):
                at = (t * B + n) * size
                wx = product(w[1], d * gates * H * size, gates * H, values[at:at + size])
                rh = product(r[1], d * gates * H * H, gates * H, h)
                h, c = step(H, wx, rh, wb, rb, h, c)
                to = ((t * D + d) * B + n) * H
                y[to:to + H] = h
            ends[0] += h
            ends[1] += c
    return [((T, D, B, H), y), ((D, B, H), ends[0]), ((D, B, H), ends[1])]


# ---- operators ----

def reshape(x, to):
    shape = [x[0][i] if n == 0 else n for i, n in enumerate(to[1])]
    if -1 in shape:
        shape[shape.index(-1)] = len(x[1]) // max(1, -math.prod(shape))
    assert math.prod(shape) == len(x[1]), (x[0], to)
    return (tuple(shape), x[1])


def gather(a, x, at):
    axis = a.get("axis", 0)
    assert axis == 0
    inner = math.prod(x[0][1:])
    assert all(0 <= i < x[0][0] for i in at[1]), "index out of range"
    return (at[0] + x[0][1:], [v for i in at[1] for v in x[1][i * inner:(i + 1) * inner]])


def split(a, x, sizes):
    axis, out, first = a["axis"] % len(x[0]), [], 0
    assert axis == len(x[0]) - 1 and sum(sizes[1]) == x[0][-1]
    for n in sizes[1]:
        out.append((x[0][:-1] + (n,), [v for line in along(x, axis) for v in line[first:first + n]]))
        first += n
    return out


def conv(a, x, w, b):
    (n, C, T), (F, _, width) = x[0], w[0]
    before, after = a["pads"]
    out_T, out = T + before + after - width + 1, []
    for i in range(n):
        for f in range(F):
            for t in range(out_T):
                out.append(b[1][f] + sum(w[1][(f * C + c) * width + k] * x[1][(i * C + c) * T + t + k - before]
                                         for c in range(C) for k in range(width) if 0 <= t + k - before < T))
    return ((n, F, out_T), out)


def squeeze(x, axes):
    axes = [k % len(x[0]) for k in axes[1]]
    return (tuple(n for d, n in enumerate(x[0]) if d not in axes), x[1])


def unsqueeze(x, axes):
    shape = list(x[0])
    for k in sorted(axes[1]):
        shape.insert(k, 1)
    return (tuple(shape), x[1])


def one_hot(at, depth, off_on):
    return (at[0] + (depth[1][0],), [off_on[1][i == k] for i in at[1] for k in range(depth[1][0])])


def slice_rows(x, begin, end):
    inner = math.prod(x[0][1:])
    return ((end[1][0] - begin[1][0],) + x[0][1:], x[1][begin[1][0] * inner:end[1][0] * inner])


def each(function):
    return lambda a, *x: broadcast(function, *x)


OPERATORS = {
    "Transpose": lambda a, x: transpose(x, a["perm"]),
    "Gather": gather,
    "Cast": lambda a, x: (x[0], [int(v) if a["to"] in (6, 7) else float(v) for v in x[1]]),
    "Shape": lambda a, x: ((len(x[0]),), list(x[0])),
    "Reshape": lambda a, x, to: reshape(x, to),
    "Flatten": lambda a, x: ((math.prod(x[0][:a["axis"]]), math.prod(x[0][a["axis"]:])), x[1]),
    "MatMul": lambda a, x, y: matmul(x, y),
    "Concat": lambda a, *x: concat(a["axis"], *x),
    "Split": split,
    "Slice": lambda a, *x: slice_rows(*x),
    "OneHot": lambda a, *x: one_hot(*x),
    "Range": lambda a, first, end, step: ((len(range(first[1][0], end[1][0], step[1][0])),), list(range(first[1][0], end[1][0], step[1][0]))),
    "ConstantOfShape": lambda a, shape: (tuple(shape[1]), [0.0] * math.prod(shape[1])),
    "Identity": lambda a, x: x,
    "Squeeze": lambda a, x, axes: squeeze(x, axes),
    "Unsqueeze": lambda a, x, axes: unsqueeze(x, axes),
    "ReduceMax": lambda a, x: reduce(x, a["axes"][0], a["keepdims"], max),
    "ReduceSum": lambda a, x, axes: reduce(x, axes[1][0], a["keepdims"], sum),
    "Softmax": lambda a, x: softmax(x, a["axis"], False),
    "LogSoftmax": lambda a, x: softmax(x, a["axis"], True),
    "Conv": conv,
    "LSTM": lambda a, *x: recurrent(lstm_step, 4, a, *x),
    "GRU": lambda a, *x: recurrent(gru_step, 3, a, *x),
    "RNN": lambda a, *x: recurrent(rnn_step, 1, a, *x),
    "Add": each(lambda x, y: x + y),
    "Sub": each(lambda x, y: x - y),
    "Min": each(min),
    "Sigmoid": each(sigmoid),
    "Expand": lambda a, x, to: broadcast(lambda v, _: v, x, (tuple(to[1]), [0] * math.prod(to[1]))),
    "Mul": each(lambda x, y: x * y),
    "Div": each(lambda x, y: x / y),
    "Max": each(max),
    "Less": each(lambda x, y: x < y),
    "Where": each(lambda c, x, y: x if c else y),
    "Exp": each(math.exp),
    "Tanh": each(math.tanh),
}


def load(path):
    with open(path, "rb") as f:
        model = parse(f.read(), MODEL)
    assert model["ir_version"] == 7 and model["opset"] == [{"domain": "", "version": 14}], model["opset"]
    return model


def run_nodes(graph, known):
    for node in graph["node"]:
        attributes = {a["name"]: {1: a["f"], 2: a["i"], 3: a["s"], 5: a["g"], 6: a["floats"], 7: a["ints"]}[a["type"]]
                      for a in node["attribute"]}
        given = [known[name] if name else None for name in node["input"]]
        out = scan(attributes, known, given) if node["op"] == "Scan" else OPERATORS[node["op"]](attributes, *given)
        for name, value in zip(node["output"], out if isinstance(out, list) else [out]):
            assert not name or name not in known, name
            known[name] = value


def scan(attributes, outer, given):
    """States first, then what is taken apart along time; results likewise."""
    body = parse(attributes["body"], GRAPH)
    constants = dict(outer, **{t["name"]: tensor(t) for t in body["initializer"]})
    n = len(given) - attributes["num_scan_inputs"]
    states, sequences, T = given[:n], given[n:], given[n][0][0]
    assert len(set(attributes["scan_input_directions"] + attributes["scan_output_directions"])) == 1
    backward, results = attributes["scan_input_directions"][0], []
    for t in reversed(range(T)) if backward else range(T):
        size = [len(v) // T for _, v in sequences]
        known = dict(constants)
        now = states + [(s[1:], v[t * k:(t + 1) * k]) for (s, v), k in zip(sequences, size)]
        known.update((value["name"], x) for value, x in zip(body["input"], now))
        run_nodes(body, known)
        out = [known[value["name"]] for value in body["output"]]
        states = out[:n]
        results.append(out[n:])
    if backward:
        results.reverse()
    return states + [((T,) + parts[0][0], [v for part in parts for v in part[1]]) for parts in zip(*results)]


def feeds(model, inputs):
    """The inputs of a graph; states that are not given are zeros."""
    out = {}
    for value in model["graph"]["input"]:
        dims = [len(inputs["lengths"]) if d["param"] == "batch" else d["value"] for d in value["type"]["tensor"]["shape"]["dim"]]
        given = inputs.get(value["name"])
        out[value["name"]] = ((tuple(dims), [0.0] * math.prod(dims)) if given is None else given if isinstance(given, tuple)
                              else nested(given))
    return out


def run(model, inputs):
    """inputs: name -> nested lists or array; returns name -> array."""
    graph, names = model["graph"], {}
    known = {t["name"]: tensor(t) for t in graph["initializer"]}
    for value, x in zip(graph["input"], feeds(model, inputs).values()):
        known[value["name"]] = x
        for n, dim in zip(x[0], value["type"]["tensor"]["shape"]["dim"]):
            want = names.setdefault(dim["param"], n) if dim["param"] else dim["value"]
            assert n == want, (value["name"], x[0], dim)
    run_nodes(graph, known)
    for value in graph["output"]:
        for n, dim in zip(known[value["name"]][0], value["type"]["tensor"]["shape"]["dim"]):
            assert dim["param"] or n == dim["value"], (value["name"], known[value["name"]][0])
    return {value["name"]: known[value["name"]] for value in graph["output"]}


# ---- the probe ----

def difference(found, wanted):
    """The largest, where `wanted` is a number; it may have fewer outputs in its last axis."""
    shape, values = nested(wanted)
    wide, narrow = found[0][-1], shape[-1]
    assert found[0][:-1] == shape[:-1] and narrow <= wide, (found[0], shape)
    most = 0.0
    for i, v in enumerate(values):
        x = found[1][i // narrow * wide + i % narrow]
        if v is not None:
            assert not math.isnan(x)
            most = max(most, abs(x - v))
    return most


def run_net(model, probe):
    found = run(model, probe["inputs"])
    return max(difference(found[name], wanted) for name, wanted in probe["outputs"].items())


def run_pieces(model, probe):
    """A running text in two pieces, the states of the first handed to the second."""
    states = [v["name"] for v in model["graph"]["output"] if v["name"].startswith("next_")]
    if not states:
        return 0.0
    row, at = max(range(len(probe["inputs"]["lengths"])), key=lambda i: probe["inputs"]["lengths"][i]), 2
    length = probe["inputs"]["lengths"][row]
    ids = probe["inputs"]["source"][row][:length]
    first = run(model, {"source": [ids[:at]], "lengths": [at]})
    carried = {name[5:]: first[name] for name in states}
    second = run(model, {"source": [ids[at:]], "lengths": [length - at], **carried})
    return difference(second["probabilities"], [probe["outputs"]["probabilities"][row][at:length]])


def run_translator(encoder, decoder, probe):
    """Every step of the decoder for all rows, whose targets are padded with <sos>."""
    states = dict(run(encoder, probe["inputs"]), lengths=probe["inputs"]["lengths"])
    most = 0.0
    for t in range(max(map(len, probe["target"]))):
        states["unit"] = [y[t] if t < len(y) else 1 for y in probe["target"]]
        found = run(decoder, states)
        most = max(most, difference(found["probabilities"], [row[t] for row in probe["outputs"]["probabilities"]]))
        states.update((name[5:], value) for name, value in found.items() if name.startswith("next_"))
    return most


def compare(path):
    model = load(path)
    probe = json.loads(next(e["value"] for e in model["metadata"] if e["key"] == "probe"))
    if path.endswith(".encoder.onnx"):
        return run_translator(model, load(path.replace(".encoder.", ".decoder.")), probe)
    return max(run_net(model, probe), run_pieces(model, probe))


if __name__ == "__main__":
    bad = 0
    for path in sys.argv[1:]:
        most = compare(path)
        print("%s: largest difference %.1e" % (path, most))
        bad += not most < 1e-5
    sys.exit(bad > 0)
