"""Nets of PyTorch as ONNX files, by its exporter, and their state_dict as safetensors: the same numbers in another order.

    make_onnx_models.py [FOLDER]      writes FOLDER/<cell>-<layers>-<directions>.onnx and .safetensors (tests/reference/onnx),
                                      and outputs.json, what each says of two sentences

Needs PyTorch with its exporter of TorchScript (scripts/setup --reference): 1.13 in Debian 12, where these were made.
"""
import json
import os
import struct
import sys
import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")  # of the exporter, about batches of other sizes
IDS = [[4, 6, 5, 5, 3, 4], [6, 6, 4, 3, 5, 6]]
NETS = [("LSTM", 1, False), ("LSTM", 2, True), ("GRU", 1, False), ("GRU", 2, True), ("RNN", 1, True), ("RNN", 2, False)]


class Tagger(nn.Module):
    """Scores of 3 labels for each of the words, of a vocabulary of 7."""

    def __init__(self, cell, layers, both):
        super().__init__()
        self.emb = nn.Embedding(7, 3)
        self.rnn = getattr(nn, cell)(3, 5, layers, bidirectional=both, batch_first=True)
        self.fc = nn.Linear(10 if both else 5, 3)

    def forward(self, ids):
        return torch.log_softmax(self.fc(self.rnn(self.emb(ids))[0]), -1)


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        values = tensor.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
outputs = {"ids": IDS}
for cell, layers, both in NETS:
    torch.manual_seed(layers)
    net = Tagger(cell, layers, both).eval()
    path = os.path.join(folder, "%s-%d-%d" % (cell.lower(), layers, 1 + both))
    torch.onnx.export(net, torch.zeros((2, 4), dtype=torch.long), path + ".onnx", opset_version=14, input_names=["ids"],
                      output_names=["y"], dynamic_axes={"ids": {0: "batch", 1: "time"}})
    write_safetensors(path + ".safetensors", net.state_dict())
    outputs[os.path.basename(path)] = net(torch.tensor(IDS)).tolist()
with open(os.path.join(folder, "outputs.json"), "w") as f:
    json.dump(outputs, f)
    f.write("\n")
