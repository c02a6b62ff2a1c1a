#!/usr/bin/env python3
"""Losses and gradients of a linear-chain CRF over three sentences, by PyTorch in float64, as the header crf_vectors.h.

    python3 tests/reference/make_crf_vectors.py > tests/reference/crf_vectors.h

A forward recursion in log space and autograd; a word's scores are its input x itself, as the dense layer has the unit
matrix and no bias. Inputs, targets and the scores of steps are those of the formulas below; tests/double/test_crf.c makes
the same. Of each gradient the header keeps its sum and its sum weighted by cos(0.3 i + 1)."""
import torch

torch.set_default_dtype(torch.float64)
O, LENGTHS = 6, [7, 4, 1]


def values(k, *shape):
    i = torch.arange(torch.Size(shape).numel())
    return (3 * torch.sin(0.7 * i + k + 1)).reshape(shape).requires_grad_()


def target_of(b, t, missing):
    """The label of word t of sentence b; -1: none."""
    return -1 if missing and (b + t) % 3 == 1 else (5 * b + 3 * t + t * t) % O


def log_sum(x, transitions, start, end, given):
    """log of the sum of e^score over the label sequences; `given`: only those with these labels."""
    def allowed(t):
        mask = torch.zeros(O)
        if given is not None and given[t] >= 0:
            mask += float("-inf")
            mask[given[t]] = 0
        return mask
    alpha = start + x[0] + allowed(0)
    for t in range(1, len(x)):
        alpha = torch.logsumexp(alpha[:, None] + transitions, 0) + x[t] + allowed(t)
    return torch.logsumexp(alpha + end, 0)


def main():
    print(f"/* Made by make_crf_vectors.py with PyTorch {torch.__version__}; do not edit. */")
    print("#pragma once\n// clang-format off")
    print("typedef struct crf_case {\n  int missing;\n  double loss[3];\n  double sum[6], weighted[6];"
          " /* transitions, start, end, x of each sentence */\n} crf_case;\n")
    print("static const crf_case crf_cases[] = {")
    for missing in (0, 1):
        steps = [values(0, O, O), values(1, O), values(2, O)]
        x = [values(3 + b, n, O) for b, n in enumerate(LENGTHS)]
        losses = []
        for b, n in enumerate(LENGTHS):
            given = [target_of(b, t, missing) for t in range(n)]
            losses.append(log_sum(x[b], *steps, None) - log_sum(x[b], *steps, given))
        sum(losses).backward()
        sums, weighted = [], []
        for tensor in steps + x:
            g = torch.zeros(tensor.numel()) if tensor.grad is None else tensor.grad.reshape(-1)
            sums.append(g.sum().item())
            weighted.append((g * torch.cos(0.3 * torch.arange(len(g)) + 1)).sum().item())
        rows = ["{" + ", ".join("%.15g" % v for v in row) + "}" for row in ([l.item() for l in losses], sums, weighted)]
        print(f"    {{{missing}, {', '.join(rows)}}},")
    print("};")


main()
