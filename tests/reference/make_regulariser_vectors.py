#!/usr/bin/env python3
"""Write regulariser_vectors.h: an LSTM language model's body with AWD-LSTM's regularisers in PyTorch, in double.

    python3 tests/reference/make_regulariser_vectors.py > tests/reference/regulariser_vectors.h

Needs torch (Debian: python3-torch). Embedding dropout, DropConnect on W_hh, dropout of the outputs, AR and TAR are as in
the code of Merity, Keskar & Socher (2018). The masks are drawn by src/base/rng.h, which is written here once more.
"""
import platform
import sys

import torch
from torch import nn

V, E, H, B, T = 7, 3, 5, 2, 4
SEED, STEP = 11, 5
TYPES, WEIGHTS, UNITS, AR, TAR = 0.3, 0.4, 0.25, 2.0, 3.0
DROPOUT, WEIGHT, TYPE = 3, 9, 10  # enum lk_purpose
EMBEDDING, W_HH = 0, 2  # tensors in the order of declaration
ALL = (1 << 64) - 1


def finalise(z):
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & ALL
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & ALL
    return z ^ z >> 31


def philox(purpose, a, b, c, d):
    """Philox4x32-10: four numbers of 32 bits."""
    golden = 0x9E3779B97F4A7C15
    key = finalise((finalise((SEED + golden) & ALL) + golden * purpose) & ALL)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = p1 >> 32 ^ b ^ k0, p1 & 0xFFFFFFFF, p0 >> 32 ^ d ^ k1, p0 & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d


def kept(purpose, rate, row, layer, time, n):
    """A mask of n units, scaled: bits of 16 below a threshold."""
    mask = []
    for u in range(n):
        word = philox(purpose, STEP, row, layer << 24 | time, u // 8)[u % 8 // 2]
        mask.append(float((word >> u % 2 * 16 & 0xFFFF) < round((1 - rate) * 65536)))
    return torch.tensor(mask).double() / (1 - rate)


def kept_type(word):
    x = philox(TYPE, STEP, word, EMBEDDING, 0)
    return float((x[0] << 32 | x[1]) >> 11) * 2.0 ** -53 >= TYPES


generator = torch.Generator().manual_seed(20240301)


def grid(*shape):
    """Numbers in [-1, 1), multiples of 1/64."""
    return torch.randint(-64, 64, shape, generator=generator).double() / 64


def array(name, tensor, kind="double"):
    body = ", ".join("%.15g" % (v + 0.0) for v in tensor.detach().flatten().tolist())
    print("static const %s regularised_%s[] = {%s};" % (kind, name, body))


def main():
    table = grid(V, E).requires_grad_()
    weights = [grid(4 * H, E), grid(4 * H, H), grid(4 * H), grid(4 * H)]
    for w in weights:
        w.requires_grad_()
    ids = torch.randint(0, V, (T, B), generator=generator)
    gy = grid(T, B, H)

    types = torch.tensor([float(kept_type(v)) for v in range(V)]).double() / (1 - TYPES)
    connect = torch.stack([kept(WEIGHT, WEIGHTS, m, 0, W_HH, H) for m in range(4 * H)])
    units = torch.stack([torch.stack([kept(DROPOUT, UNITS, b, 1, t, H) for b in range(B)]) for t in range(T)])
    x = nn.functional.embedding(ids, table * types[:, None])
    w_hh = weights[1] * connect
    h, c, raw = torch.zeros(B, H).double(), torch.zeros(B, H).double(), []
    for t in range(T):
        i, f, g, o = (x[t] @ weights[0].T + weights[2] + h @ w_hh.T + weights[3]).split(H, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        raw.append(h)
    raw = torch.stack(raw)
    dropped = raw * units
    # the means are over elements; our objective is a sum over rows, T B and (T - 1) B of them
    ar = T * B * AR * dropped.pow(2).mean()
    tar = (T - 1) * B * TAR * (raw[1:] - raw[:-1]).pow(2).mean()
    ((dropped * gy).sum() + ar + tar).backward()

    print("/* regulariser_vectors.h - made by make_regulariser_vectors.py with torch %s, Python %s. Do not edit." %
          (torch.__version__, platform.python_version()))
    print(" *\n * ids [T,B]; gy, y [T,B,H]; weights and gradients: embedding [V,E], then those of the layer as torch lists "
          "them. */")
    print("#pragma once\n// clang-format off")
    print("enum { REGULARISED_V = %d, REGULARISED_E = %d, REGULARISED_H = %d, REGULARISED_B = %d, REGULARISED_T = %d };" %
          (V, E, H, B, T))
    print("enum { REGULARISED_SEED = %d, REGULARISED_STEP = %d };" % (SEED, STEP))
    print('static const char *const regularised_settings[] = {"model.embedding_dropout=%g", "model.weight_dropout=%g", '
          '"model.dropout=%g"};' % (TYPES, WEIGHTS, UNITS))
    array("ids", ids, "int")
    array("gy", gy)
    array("y", dropped)
    array("penalty", torch.stack([ar, tar]))
    print("static const double regularised_ar = %g, regularised_tar = %g;" % (AR, TAR))
    array("weights", torch.cat([table.flatten()] + [w.flatten() for w in weights]))
    array("gradients", torch.cat([table.grad.flatten()] + [w.grad.flatten() for w in weights]))


if __name__ == "__main__":
    sys.exit(main())
