#!/usr/bin/env python3
"""Write vectors.h: what PyTorch computes for recurrent layers and cross-entropies, in double.

    python3 tests/reference/make_vectors.py > tests/reference/vectors.h

Needs torch (Debian: python3-torch). Inputs and weights are multiples of 1/64, so that they are exact in float32 too.
"""
import platform
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

I, H, LENGTHS = 3, 4, [5, 2, 4, 1]
B, T = len(LENGTHS), max(LENGTHS)
CELLS = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class MGU(nn.Module):
    """The minimal gated unit, which torch does not have, with the interface of nn.GRU. The forget gate stands behind the
    product with the state, as the reset gate of nn.GRU does."""

    def __init__(self, inputs, hidden, layers, batch_first, bidirectional):
        super().__init__()
        assert batch_first
        self.hidden, self.directions, self.layers = hidden, bidirectional + 1, layers
        weights = []
        for layer in range(layers):
            for _ in range(self.directions):
                width = hidden * self.directions if layer else inputs
                weights += [torch.zeros(2 * hidden, width), torch.zeros(2 * hidden, hidden),
                            torch.zeros(2 * hidden), torch.zeros(2 * hidden)]
        self.weights = nn.ParameterList([nn.Parameter(w) for w in weights])

    def sequence(self, x, h, weights, backward):
        """One direction over one sequence [T,I]: all states, and the last."""
        w_ih, w_hh, b_ih, b_hh = weights
        states = [None] * len(x)
        for t in reversed(range(len(x))) if backward else range(len(x)):
            f_x, n_x = (w_ih @ x[t] + b_ih).split(self.hidden)
            f_h, n_h = (w_hh @ h + b_hh).split(self.hidden)
            f = torch.sigmoid(f_x + f_h)
            h = states[t] = (1 - f) * h + f * torch.tanh(n_x + f * n_h)
        return torch.stack(states), h

    def forward(self, packed, h0):
        x, lengths = pad_packed_sequence(packed, batch_first=True)
        last = []
        for layer in range(self.layers):
            both = []
            for d in range(self.directions):
                i = layer * self.directions + d
                runs = [self.sequence(x[b, :n], h0[i, b], list(self.weights)[4 * i:4 * i + 4], d == 1)
                        for b, n in enumerate(lengths.tolist())]
                both.append(nn.utils.rnn.pad_sequence([states for states, _ in runs], batch_first=True))
                last.append(torch.stack([h for _, h in runs]))
            x = torch.cat(both, dim=2)
        return pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False), torch.stack(last)


class Parallel(nn.Module):
    """A cell whose gates need no product with the state before, with the interface of nn.LSTM: SHAPES of the tensors of
    one layer that reads `width` numbers, and the states of one sequence x [T,width] in the order of the layer."""

    def __init__(self, inputs, hidden, layers, batch_first, bidirectional):
        super().__init__()
        assert batch_first
        self.directions, self.layers = bidirectional + 1, layers
        widths = [hidden * self.directions if layer else inputs for layer in range(layers)]
        self.weights = nn.ParameterList([nn.Parameter(torch.zeros(shape)) for width in widths
                                         for _ in range(self.directions) for shape in self.shapes(width, hidden)])

    def forward(self, packed, initial):
        x, lengths = pad_packed_sequence(packed, batch_first=True)
        per, last = len(self.weights) // (self.layers * self.directions), []
        for layer in range(self.layers):
            both = []
            for d in range(self.directions):
                i = layer * self.directions + d
                runs = []
                for b, n in enumerate(lengths.tolist()):
                    order = list(range(n))[::-1] if d else list(range(n))
                    h, c = self.sequence(x[b, order], initial[0][i, b], initial[1][i, b],
                                         *list(self.weights)[per * i:per * (i + 1)])
                    runs.append(h[order])
                    last.append((h[-1], c))
                both.append(nn.utils.rnn.pad_sequence(runs, batch_first=True))
            x = torch.cat(both, dim=2)
        states = [torch.stack(s).view(-1, len(lengths), len(s[0])) for s in zip(*last)]
        return pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False), states


class MinGRU(Parallel):
    """Feng et al. 2024, plain; gates z n."""

    @staticmethod
    def shapes(width, hidden):
        return [(2 * hidden, width), (2 * hidden,)]

    @staticmethod
    def sequence(x, h, c, weight, bias):
        z, n = nn.functional.linear(x, weight, bias).chunk(2, dim=1)
        z, out = torch.sigmoid(z), []
        for t in range(len(x)):
            h = (1 - z[t]) * h + z[t] * n[t]
            out.append(h)
        return torch.stack(out), torch.zeros_like(c)


class QRNN(Parallel):
    """Bradbury et al. 2017, a filter of two inputs and fo-pooling; gates z f o. nn.Conv1d computes the gates."""

    @staticmethod
    def shapes(width, hidden):
        return [(6 * hidden, width), (3 * hidden,)]

    @staticmethod
    def sequence(x, h, c, weight, bias):
        now, before = weight.chunk(2)
        padded = torch.cat([torch.zeros_like(x[:1]), x]).t().unsqueeze(0)
        gates = nn.functional.conv1d(padded, torch.stack([before, now], dim=2), bias)[0].t()
        z, f, o = gates.chunk(3, dim=1)
        z, f, o, out = torch.tanh(z), torch.sigmoid(f), torch.sigmoid(o), []
        for t in range(len(x)):
            c = f[t] * c + (1 - f[t]) * z[t]
            out.append(o[t] * c)
        return torch.stack(out), c


class SRU(Parallel):
    """Lei et al. 2018 with b = 0: the skip connection is scaled by sqrt(3); gates f r, the cell's input, and the skip
    connection where it is projected."""

    @staticmethod
    def shapes(width, hidden):
        return [((3 if width == hidden else 4) * hidden, width), (2 * hidden,), (2 * hidden,)]

    @staticmethod
    def sequence(x, h, c, weight, bias, by_c):
        gates, out = list(nn.functional.linear(x, weight).split(len(c), dim=1)), []
        skip = 3 ** 0.5 * (gates[3] if len(gates) == 4 else x)
        b_f, b_r, v_f, v_r = *bias.chunk(2), *by_c.chunk(2)
        for t in range(len(x)):
            f = torch.sigmoid(gates[0][t] + v_f * c + b_f)
            r = torch.sigmoid(gates[1][t] + v_r * c + b_r)
            c = f * c + (1 - f) * gates[2][t]
            out.append(r * c + (1 - r) * skip[t])
        return torch.stack(out), c


PARALLEL = {"mingru": MinGRU, "qrnn": QRNN, "sru": SRU}
WITH_C = ("lstm", "qrnn", "sru")  # cells whose state is, or has, a c
generator = torch.Generator().manual_seed(20240229)


def grid(*shape):
    """Numbers in [-1, 1), multiples of 1/64."""
    return torch.randint(-64, 64, shape, generator=generator).double() / 64


def array(name, tensor):
    flat = tensor.detach().flatten().tolist()
    body = ", ".join("%.15g" % (v + 0.0) for v in flat)
    print("static const double %s[] = {%s};" % (name, body))


def recurrent(cell, layers, directions):
    """One stack over sequences of unequal lengths, from given states; the loss is sum(y gy) + sum(c_n gc)."""
    name = "%s_%d_%d" % (cell, layers, directions)
    net = (CELLS | {"mgu": MGU} | PARALLEL)[cell](I, H, layers, batch_first=True, bidirectional=directions == 2).double()
    for weight in net.parameters():
        weight.data = grid(*weight.shape)
    states = layers * directions
    x = grid(B, T, I).requires_grad_()
    h0, c0 = grid(states, B, H), grid(states, B, H)
    if layers * directions > 2:  # a stack in two directions has no states to carry
        h0, c0 = torch.zeros_like(h0), torch.zeros_like(c0)
    h0.requires_grad_(), c0.requires_grad_()
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    packed, last = net(packed, (h0, c0) if cell == "lstm" or cell in PARALLEL else h0)
    y, _ = pad_packed_sequence(packed, batch_first=True)
    hn, cn = last if cell == "lstm" or cell in PARALLEL else (last, torch.zeros_like(c0))
    gy = grid(*y.shape)
    gc = grid(*cn.shape) if cell in WITH_C and layers == 1 else torch.zeros_like(cn)
    ((y * gy).sum() + (cn * gc).sum()).backward()
    fields = dict(x=x, h0=h0, c0=c0, gy=gy, gc=gc, y=y, hn=hn, cn=cn, dx=x.grad,
                  dh0=torch.zeros_like(h0) if h0.grad is None else h0.grad,
                  dc0=torch.zeros_like(c0) if c0.grad is None else c0.grad,
                  weights=torch.cat([w.data.flatten() for w in net.parameters()]),
                  gradients=torch.cat([w.grad.flatten() for w in net.parameters()]))
    for field, tensor in fields.items():
        array("%s_%s" % (name, field), tensor)
    return '  {"%s", %d, %d, %s},' % (cell, layers, directions, ", ".join("%s_%s" % (name, f) for f in fields))


def cross_entropy(index, rows, classes, smoothing):
    """Losses by row, -1: no loss; and the gradient of their sum by the logits."""
    logits = (4 * grid(rows, classes)).requires_grad_()
    target = torch.randint(0, classes, (rows,), generator=generator)
    target[rows // 2] = -1
    loss = nn.functional.cross_entropy(logits, target, ignore_index=-1, reduction="none", label_smoothing=smoothing)
    loss.sum().backward()
    array("entropy_%d_logits" % index, logits)
    array("entropy_%d_loss" % index, loss)
    array("entropy_%d_gradient" % index, logits.grad)
    print("static const int entropy_%d_target[] = {%s};" % (index, ", ".join(map(str, target.tolist()))))
    return "  {%d, %d, %.17g, %s}," % (rows, classes, smoothing, ", ".join(
        "entropy_%d_%s" % (index, f) for f in ("logits", "loss", "gradient", "target")))


def main():
    print("/* vectors.h - made by make_vectors.py with torch %s, Python %s. Do not edit." %
          (torch.__version__, platform.python_version()))
    print(" *\n * x [B,T,I], y and gy [B,T,D H] padded; states [L D,B,H]; weights as torch lists them. */")
    print("#pragma once\n// clang-format off")
    print("enum { TORCH_I = %d, TORCH_H = %d, TORCH_B = %d, TORCH_T = %d };" % (I, H, B, T))
    print("static const int torch_lengths[] = {%s};" % ", ".join(map(str, LENGTHS)))
    rows = [recurrent(c, n, d) for c in CELLS for n in (1, 2) for d in (1, 2)]
    state = generator.get_state()
    rows += [recurrent(c, n, d) for c in ("mgu", *PARALLEL) for n in (1, 2) for d in (1, 2)]
    generator.set_state(state)  # what follows keeps its numbers when a cell is added here
    print("typedef struct torch_recurrent {\n  const char *cell;\n  int layers, directions;\n"
          "  const double *x, *h0, *c0, *gy, *gc, *y, *hn, *cn, *dx, *dh0, *dc0, *weights, *gradients;\n"
          "} torch_recurrent;")
    print("static const torch_recurrent torch_recurrents[] = {\n%s\n};" % "\n".join(rows))
    rows = [cross_entropy(i, *case) for i, case in enumerate([(5, 3, 0), (5, 3, 0.1), (4, 37, 0), (4, 37, 0.25)])]
    print("typedef struct torch_entropy {\n  int rows, classes;\n  double smoothing;\n"
          "  const double *logits, *loss, *gradient;\n  const int *target;\n} torch_entropy;")
    print("static const torch_entropy torch_entropies[] = {\n%s\n};" % "\n".join(rows))


if __name__ == "__main__":
    sys.exit(main())
