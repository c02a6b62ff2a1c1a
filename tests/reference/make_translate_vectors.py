#!/usr/bin/env python3
"""Losses and gradients of small translators, by PyTorch in float64, as the C header translate_vectors.h.

    python3 tests/reference/make_translate_vectors.py > tests/reference/translate_vectors.h

Element i of tensor k of a net is sin(0.7 i + k + 1) / 2; ids follow the formulas below; test_translate_vectors.c makes the
same. Of each gradient the header keeps its sum and its sum weighted by cos(0.3 i)."""
import torch

torch.set_default_dtype(torch.float64)
H, V, W_V = 5, 9, 8  # hidden, source and target vocabulary; one that is shared has V units
SOURCE, TARGET = [5, 3, 1], [4, 3, 2]  # lengths; target b belongs to source 2 - b

CASES = [  # name, cell, directions, attention, feeding, layers, tied, shared, smoothing
    ("lstm_general_fed", "lstm", 2, "general", True, 2, False, False, 0),
    ("gru_additive_fed", "gru", 2, "additive", True, 1, False, False, 0),
    ("lstm_dot", "lstm", 1, "dot", False, 1, False, False, 0),
    ("elman_additive", "elman", 2, "additive", False, 2, False, False, 0),
    ("gru_none", "gru", 1, "none", False, 1, False, False, 0),
    ("lstm_tied", "lstm", 2, "general", True, 1, True, False, 0),
    ("gru_shared", "gru", 1, "dot", False, 1, False, True, 0),
    ("lstm_tied_shared", "lstm", 1, "additive", True, 2, True, True, 0.1),
]
GATES = {"lstm": 4, "gru": 3, "elman": 1}


def source_ids(s):
    return torch.tensor([4 + (3 * s + 5 * t + 1) % 5 for t in range(SOURCE[s])])


def target_ids(b):
    words = [4 + (2 * b + 3 * t) % 4 for t in range(TARGET[b] - 1)]
    return torch.tensor([1] + words), torch.tensor(words + [2])


def shapes(cell, directions, attention, feeding, layers, tied, shared, _):
    """Names and shapes in the order of the table of parameters. Tied weights are an embedding as wide as the output."""
    g, w, E, target = GATES[cell] * H, directions * H, H if tied else 3, V if shared else W_V
    out = [("embedding.weight", (V, E))]
    for l in range(layers):
        for d in ["forward", "backward"][:directions]:
            p = f"rnn.{l}.{d}."
            out += [(p + "weight_ih", (g, E if l == 0 else w)), (p + "weight_hh", (g, H)), (p + "bias_ih", (g,)),
                    (p + "bias_hh", (g,))]
    if not shared:
        out += [("decoder.embedding.weight", (target, E))]
    for l in range(layers):
        for s in "hc" if cell == "lstm" else "h":
            out += [(f"decoder.bridge.{l}.{s}.weight", (H, w)), (f"decoder.bridge.{l}.{s}.bias", (H,))]
    for l in range(layers):
        p = f"decoder.rnn.{l}."
        out += [(p + "weight_ih", (g, (E + (H if feeding else 0)) if l == 0 else H)), (p + "weight_hh", (g, H)),
                (p + "bias_ih", (g,)), (p + "bias_hh", (g,))]
    if attention == "general":
        out += [("attention.query.weight", (w, H))]
    if attention == "additive":
        out += [("attention.query.weight", (H, H)), ("attention.key.weight", (H, w)), ("attention.key.bias", (H,)),
                ("attention.score.weight", (H,))]
    if attention != "none":
        out += [("decoder.combine.weight", (H, H + w))]
    if not tied:
        out += [("output.weight", (target, H))]
    return out + [("output.bias", (target,))]


def cell_step(kind, p, prefix, x, state):
    f = {"lstm": torch._VF.lstm_cell, "gru": torch._VF.gru_cell, "elman": torch._VF.rnn_tanh_cell}[kind]
    w = [p[prefix + n] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    if kind == "lstm":
        return f(x, state, *w)
    return (f(x, state[0], *w),)


def encode(kind, p, directions, layers, ids):
    x, finals = p["embedding.weight"][ids].unsqueeze(1), []
    states = 2 if kind == "lstm" else 1
    for l in range(layers):
        weights = [p[f"rnn.{l}.{d}.{n}"] for d in ["forward", "backward"][:directions]
                   for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        zeros = [torch.zeros(directions, 1, H) for _ in range(states)]
        rnn = {"lstm": torch._VF.lstm, "gru": torch._VF.gru, "elman": torch._VF.rnn_tanh}[kind]
        x, *final = rnn(x, zeros if kind == "lstm" else zeros[0], weights, True, 1, 0.0, True, directions == 2, False)
        finals.append([torch.cat(list(final[i]), 1) for i in range(states)])
    return x.squeeze(1), finals


def loss_of(case, p):
    _, kind, directions, attention, feeding, layers, tied, shared, smoothing = case
    total = 0
    embedding = p["embedding.weight" if shared else "decoder.embedding.weight"]
    output = embedding if tied else p["output.weight"]
    for b in range(3):
        y, finals = encode(kind, p, directions, layers, source_ids(2 - b))
        state = [[torch.tanh(f @ p[f"decoder.bridge.{l}.{s}.weight"].T + p[f"decoder.bridge.{l}.{s}.bias"])
                  for f, s in zip(finals[l], "hc")] for l in range(layers)]
        read, right = target_ids(b)
        fed = torch.zeros(1, H)
        for t in range(TARGET[b]):
            x = embedding[read[t:t + 1]]
            if feeding:
                x = torch.cat([x, fed], 1)
            for l in range(layers):
                state[l] = cell_step(kind, p, f"decoder.rnn.{l}.", x, state[l])
                x = state[l][0]
            h = x
            if attention != "none":
                if attention == "additive":
                    keys = y @ p["attention.key.weight"].T + p["attention.key.bias"]
                    score = torch.tanh(h @ p["attention.query.weight"].T + keys) @ p["attention.score.weight"]
                else:
                    q = h @ p["attention.query.weight"].T if attention == "general" else h
                    score = y @ q.squeeze(0)
                context = torch.softmax(score, 0) @ y
                h = torch.tanh(torch.cat([h, context.unsqueeze(0)], 1) @ p["decoder.combine.weight"].T)
            fed = h
            logits = h @ output.T + p["output.bias"]
            total = total + torch.nn.functional.cross_entropy(logits, right[t:t + 1], reduction="sum",
                                                                label_smoothing=smoothing)
    return total


def main():
    print(f"/* Made by make_translate_vectors.py with PyTorch {torch.__version__}; do not edit. */\n#pragma once\n// clang-format off")
    print("typedef struct translate_tensor {\n  const char *name;\n  double sum, weighted;\n} translate_tensor;\n")
    print("typedef struct translate_case {\n  const char *name, *cell, *attention;\n  int directions, feeding, layers, tied, shared;\n"
          "  double smoothing, loss;\n  translate_tensor tensor[40];\n} translate_case;\n")
    print("static const translate_case translate_cases[] = {")
    for case in CASES:
        name, kind, directions, attention, feeding, layers, tied, shared, smoothing = case
        p = {}
        for k, (n, shape) in enumerate(shapes(*case[1:])):
            i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
            p[n] = (torch.sin(0.7 * i + k + 1) / 2).reshape(shape).requires_grad_()
        loss = loss_of(case, p)
        loss.backward()
        print(f'    {{"{name}", "{kind}", "{attention}", {directions}, {int(feeding)}, {layers}, {int(tied)}, '
              f'{int(shared)}, {smoothing}, {loss.item():.15g}, {{')
        for n, w in p.items():
            g = w.grad.reshape(-1)
            weighted = (g * torch.cos(0.3 * torch.arange(len(g), dtype=torch.float64))).sum().item()
            print(f'      {{"{n}", {g.sum().item():.15g}, {weighted:.15g}}},')
        print("    }},")
    print("};")


main()
