#!/usr/bin/env python3
"""Nets of PyTorch beside those of Lockstep, through safetensors files.

    exchange.py check FILE ...             loads files of `lockstep export` into nn.LSTM, nn.GRU and nn.RNN (strict), runs the
                                           probe batch of their metadata, prints the largest difference of probabilities
    exchange.py make LIKE OUT              a net of the configuration in LIKE with random weights, saved to OUT as its author
                                           might have named and stored them
    exchange.py probe OUT LIKE PROBE       writes what that net answers for some rows, for `lockstep import --probe`
    exchange.py made OUT FILE              compares that net with FILE, what Lockstep exported after it had imported OUT

Ends with code 1 where a difference is not below 1e-5. Debian has no module for safetensors: the reader and the writer
are here."""
import json
import struct
import sys

import torch

CELLS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}
TYPES = {"F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16}


def read(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    about = header.pop("__metadata__", {})
    tensors = {
        name: torch.frombuffer(bytearray(data[slice(*t["data_offsets"])]), dtype=TYPES[t["dtype"]]).reshape(t["shape"])
        for name, t in header.items()
    }
    return tensors, about


def write(path, tensors):
    header, data = {}, b""
    names = {type_: name for name, type_ in TYPES.items()}
    for name, tensor in tensors.items():
        content = bytes(tensor.contiguous().view(torch.uint8).flatten().tolist())
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def setting(about, key):
    """A setting of the configuration, which is YAML as Lockstep prints it: `key: value` below its section."""
    section, name = key.split(".")
    inside = False
    for line in about["config"].splitlines():
        if line[:1] not in (" ", "#", ""):
            inside = line.startswith(section + ":")
        elif inside and line.strip().startswith(name + ":"):
            return line.split(":", 1)[1].strip().strip("\"'")
    raise KeyError(key)


class Tagger(torch.nn.Module):
    def __init__(self, about, words, labels):
        super().__init__()
        width, hidden = int(setting(about, "model.embedding")), int(setting(about, "model.hidden"))
        both = setting(about, "model.bidirectional") == "true"
        cell = CELLS[setting(about, "model.cell")]
        self.embedding = torch.nn.Embedding(words, width)
        self.rnn = cell(width, hidden, int(setting(about, "model.layers")), bidirectional=both, batch_first=True)
        self.output = torch.nn.Linear(hidden * (2 if both else 1), labels)

    def forward(self, source, lengths):
        packed = torch.nn.utils.rnn.pack_padded_sequence(self.embedding(source), lengths, batch_first=True, enforce_sorted=False)
        rows, _ = torch.nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return torch.softmax(self.output(rows), -1)


def net_like(about):
    return Tagger(about, len(json.loads(about["vocabulary"])), len(json.loads(about["labels"])))


def largest_difference(net, about):
    probe = json.loads(about["probe"])
    lengths = torch.tensor(probe["inputs"]["lengths"])
    with torch.no_grad():
        found = net(torch.tensor(probe["inputs"]["source"]), lengths)
    largest = 0.0
    for row, length, expected in zip(found, lengths.tolist(), probe["outputs"]["probabilities"]):
        for t in range(length):
            told = torch.tensor(expected[t])
            largest = max(largest, (row[t][: len(told)] - told).abs().max().item())
    return largest


def report(name, largest):
    print(f"{name}: largest difference of probabilities {largest:.2g}")
    if not largest < 1e-5:
        sys.exit(1)


def check(paths):
    for path in paths:
        tensors, about = read(path)
        net = net_like(about)
        net.load_state_dict(tensors, strict=True)
        report(path, largest_difference(net, about))


NAMES = {"embedding.": "encoder.words.", "rnn.": "encoder.rnn.", "output.": "fc."}


def renamed(state):
    for name, tensor in state.items():
        for ours, theirs in NAMES.items():
            if name.startswith(ours):
                yield theirs + name[len(ours) :], tensor


def make(like, out):
    torch.manual_seed(len(like))
    net = net_like(read(like)[1])
    torch.save(net.state_dict(), out + ".pt")
    kind = {"double": torch.float64, "half": torch.float16, "brain": torch.bfloat16}.get(out.split(".")[0], torch.float32)
    state = dict(renamed(net.state_dict()))
    state["steps.taken"] = torch.zeros(3)  # what is no part of the net
    write(out, {name: tensor.to(kind) for name, tensor in state.items()})


def net_of(out, about):
    """The net that was saved to `out`, with the numbers that are in the file."""
    net = net_like(about)
    kind = next(iter(read(out)[0].values())).dtype
    state = torch.load(out + ".pt")
    net.load_state_dict({name: tensor.to(kind).float() for name, tensor in state.items()})
    return net


def probe(out, like, path):
    about = read(like)[1]
    net = net_of(out, about)
    ids, lengths = torch.randint(4, len(json.loads(about["vocabulary"])), (5, 12)), torch.tensor([12, 3, 7, 1, 9])
    with torch.no_grad():
        p = net(ids, lengths)
    with open(path, "w") as file:
        json.dump({"inputs": {"source": ids.tolist(), "lengths": lengths.tolist()}, "outputs": {"probabilities": p.tolist()}}, file)


def made(out, path):
    about = read(path)[1]
    net = net_of(out, about)
    report(out, largest_difference(net, about))


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    check(arguments) if command == "check" else {"make": make, "made": made, "probe": probe}[command](*arguments)
