#!/usr/bin/env python3
"""Write adaptive_vectors.h: torch.nn.AdaptiveLogSoftmaxWithLoss in double, with its gradients.

    python3 tests/reference/make_adaptive_vectors.py > tests/reference/adaptive_vectors.h

Needs torch (Debian: python3-torch). Rows are in order; a target of -1 has no loss.
"""
import platform
import sys

import torch
from torch import nn

generator = torch.Generator().manual_seed(20170612)
CASES = [(20, 17, [4, 9]), (70, 31, [5, 11, 23]), (9, 5, [3])]  # inputs, outputs, cutoffs
ROWS = 13


def grid(*shape):
    """Numbers in [-1, 1), multiples of 1/64."""
    return torch.randint(-64, 64, shape, generator=generator).double() / 64


def array(name, tensor):
    print("static const double %s[] = {%s};" % (name, ", ".join("%.17g" % (v + 0.0) for v in tensor.detach().flatten().tolist())))


def case(index, inputs, outputs, cutoffs):
    net = nn.AdaptiveLogSoftmaxWithLoss(inputs, outputs, cutoffs, div_value=4, head_bias=True).double()
    for weight in net.parameters():
        weight.data = grid(*weight.shape)
    x = grid(ROWS, inputs).requires_grad_()
    target = torch.randint(0, outputs, (ROWS,), generator=generator)
    target[3], target[7], target[8] = -1, 0, outputs - 1
    known = target >= 0
    log_p = torch.zeros(ROWS).double()
    log_p[known] = net(x[known], target[known]).output
    (-log_p.sum()).backward()
    # in Lockstep's order of tensors: head weight and bias, then each tail's two
    weights = [net.head.weight, net.head.bias] + [layer.weight for tail in net.tail for layer in tail]
    everything = net.log_prob(x)
    fields = dict(x=x, weights=torch.cat([w.flatten() for w in weights]), loss=-log_p, dx=x.grad,
                  gradients=torch.cat([w.grad.flatten() for w in weights]), all=everything)
    for field, tensor in fields.items():
        array("adaptive_%d_%s" % (index, field), tensor)
    for field, numbers in dict(target=target, best=everything.argmax(dim=1)).items():
        print("static const int adaptive_%d_%s[] = {%s};" % (index, field, ", ".join(map(str, numbers.tolist()))))
    names = ["adaptive_%d_%s" % (index, field) for field in (*fields, "target", "best")]
    return '  {%d, %d, "model.cutoffs=%s", %s},' % (inputs, outputs, ",".join(map(str, cutoffs)), ", ".join(names))


def main():
    print("/* adaptive_vectors.h - made by make_adaptive_vectors.py with torch %s, Python %s. Do not edit. */" %
          (torch.__version__, platform.python_version()))
    print("#pragma once\n// clang-format off\nenum { ADAPTIVE_ROWS = %d };" % ROWS)
    rows = [case(i, *c) for i, c in enumerate(CASES)]
    print("static const struct {\n  int inputs, outputs;\n  const char *cutoffs;\n"
          "  const double *x, *weights, *loss, *dx, *gradients, *all;\n  const int *target, *best;\n"
          "} adaptive_cases[] = {\n%s\n};" % "\n".join(rows))


if __name__ == "__main__":
    sys.exit(main())
