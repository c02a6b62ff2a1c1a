#!/usr/bin/env python3
"""Write character_vectors.h: what PyTorch makes of the characters of words, and the gradients, in double.

    python3 tests/reference/make_character_vectors.py > tests/reference/character_vectors.h

Needs torch (Debian: python3-torch). Numbers are multiples of 1/64, so that they are exact in float32 too.
"""
import platform
import sys

import torch
from torch import nn

V, E, H, WIDTHS = 9, 3, 4, [3, 2]
# a word is <sos> 1, characters, <eos> 2; rows of a batch of four sequences read these words
WORDS = [[1, 2], [1, 5, 2], [1, 4, 5, 2], [1, 6, 6, 7, 8, 2], [1, 8, 3, 4, 4, 5, 7, 2]]
ROWS = [[3, 1, 3, 0, 4], [2, 3], [4, 2, 4, 4], [1]]
generator = torch.Generator().manual_seed(20260301)


def grid(*shape):
    """Numbers in [-1, 1), multiples of 1/64."""
    return torch.randint(-64, 64, shape, generator=generator).double() / 64


def array(name, tensor):
    body = ", ".join("%.15g" % (v + 0.0) for v in tensor.detach().flatten().tolist())
    print("static const double %s[] = {%s};" % (name, body))


class Recurrent(nn.Module):
    """The last states of both directions, side by side (Lample et al. 2016)."""

    def __init__(self, kind):
        super().__init__()
        self.net = kind(E, H, batch_first=True, bidirectional=True).double()

    def forward(self, x):
        last = self.net(x[None])[1]
        last = last[0] if isinstance(last, tuple) else last
        return torch.cat([last[0, 0], last[1, 0]])

    def ours(self, grad):
        return [w.grad if grad else w.data for w in self.net.parameters()]


class Filters(nn.Module):
    """tanh of the largest value of each filter (Ma & Hovy 2016; widths: Kim et al. 2016)."""

    def __init__(self):
        super().__init__()
        self.nets = nn.ModuleList([nn.Conv1d(E, H, w).double() for w in WIDTHS])

    def forward(self, x):
        found = []
        for net, w in zip(self.nets, WIDTHS):
            padded = nn.functional.pad(x.T, ((w - 1) // 2, w - 1 - (w - 1) // 2))
            found.append(torch.tanh(net(padded[None])[0].max(dim=1).values))
        return torch.cat(found)

    def ours(self, grad):
        """[T, F, E], the taps of all widths one after the other; biases."""
        weights = [(n.weight.grad if grad else n.weight.data).permute(2, 0, 1) for n in self.nets]
        return [torch.cat(weights), torch.cat([n.bias.grad if grad else n.bias.data for n in self.nets])]


def case(name, net):
    embedding = nn.Embedding(V, E).double()
    for weight in [*embedding.parameters(), *net.parameters()]:
        weight.data = grid(*weight.shape)
    y = torch.stack([torch.stack([net(embedding(torch.tensor(WORDS[w]))) for w in row + [0] * (5 - len(row))])
                     for row in ROWS])
    g = grid(*y.shape)
    for b, row in enumerate(ROWS):
        g[b, len(row):] = 0
    (y * g).sum().backward()
    array("%s_weights" % name, torch.cat([w.flatten() for w in [embedding.weight.data, *net.ours(False)]]))
    array("%s_y" % name, y)
    array("%s_g" % name, g)
    array("%s_gradients" % name, torch.cat([w.flatten() for w in [embedding.weight.grad, *net.ours(True)]]))
    return '  {"%s", %d, %s},' % (name, y.shape[2], ", ".join("%s_%s" % (name, f) for f in
                                                              ("weights", "y", "g", "gradients")))


def integers(name, values):
    print("static const %s[] = {%s};" % (name, ", ".join(map(str, values))))


def main():
    print("/* character_vectors.h - made by make_character_vectors.py with torch %s, Python %s. Do not edit." %
          (torch.__version__, platform.python_version()))
    print(" *\n * y and g [B,T,width] padded; weights and gradients in the order of our tensors. */")
    print("#pragma once\n// clang-format off")
    print("enum { SPELT_V = %d, SPELT_E = %d, SPELT_H = %d, SPELT_B = %d, SPELT_T = 5, SPELT_WORDS = %d };" %
          (V, E, H, len(ROWS), len(WORDS)))
    print('static const char spelt_widths[] = "%s";' % ",".join(map(str, WIDTHS)))
    integers("int spelt_lengths", [len(row) for row in ROWS])
    integers("int spelt_rows", [w for row in ROWS for w in row + [0] * (5 - len(row))])
    integers("int32_t spelt_characters", [c for word in WORDS for c in word])
    integers("int64_t spelt_begin", [sum(map(len, WORDS[:i])) for i in range(len(WORDS) + 1)])
    rows = [case("lstm", Recurrent(nn.LSTM)), case("gru", Recurrent(nn.GRU)), case("cnn", Filters())]
    print("typedef struct spelt_net {\n  const char *name;\n  int width;\n"
          "  const double *weights, *y, *g, *gradients;\n} spelt_net;")
    print("static const spelt_net spelt_nets[] = {\n%s\n};" % "\n".join(rows))


if __name__ == "__main__":
    sys.exit(main())
