#!/usr/bin/env python3
"""Write adapt_vectors.h: dynamic evaluation (Krause et al. 2018) of a small language model by PyTorch, in double.

    python3 tests/reference/make_adapt_vectors.py > tests/reference/adapt_vectors.h

Needs torch (Debian: python3-torch). The rule rms takes the mean square of the gradient over steps of a training text, read
in lanes as Lockstep's loader reads them.
"""
import platform
import sys

import torch
from torch import nn

TRAIN = "abacabadabacabaeabacabadabacabaedbacab"
TEXTS = ["caabdbacedabacabadcabae", "abadacab"]  # read one after the other, each from a zero state
E, H, LANES, UNROLL, SEGMENT = 3, 4, 2, 4, 5
RULES = {"sgd": (0.4, 0.125), "rms": (0.05, 0.25)}  # rate, decay
EPSILON = 0.125

generator = torch.Generator().manual_seed(20180701)
units = list(TRAIN) + ["\n"]
letters = sorted(set(units), key=lambda u: -units.count(u))
assert len(set(map(units.count, letters))) == len(letters), "the order of the vocabulary depends on ties"
V = 4 + len(letters)  # <pad> <sos> <eos> <unk> first


def ids(text):
    return [4 + letters.index(u) for u in text]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.rnn, self.output = nn.Embedding(V, E), nn.LSTM(E, H, 1, batch_first=True), nn.Linear(H, V)

    def forward(self, x, state):
        y, state = self.rnn(self.embedding(x), state)
        return self.output(y), state


def squares(net):
    """The root of the mean square of the gradient of a step's mean loss, for each weight."""
    text, total = ids(units), [torch.zeros_like(w) for w in net.parameters()]
    begins = [(len(text) - 1) * lane // LANES for lane in range(LANES + 1)]
    longest = max(b - a for a, b in zip(begins, begins[1:]))
    states, steps = [None] * LANES, -(-longest // UNROLL)
    for step in range(steps):
        net.zero_grad()
        losses = []
        for lane in range(LANES):
            begin, end = begins[lane] + step * UNROLL, min(begins[lane] + (step + 1) * UNROLL, begins[lane + 1])
            if begin >= end:
                continue
            logits, state = net(torch.tensor([text[begin:end]]), states[lane])
            states[lane] = tuple(s.detach() for s in state)
            losses.append(nn.functional.cross_entropy(logits[0], torch.tensor(text[begin + 1:end + 1]), reduction="none"))
        torch.cat(losses).mean().backward()
        for sum_, w in zip(total, net.parameters()):
            sum_ += w.grad ** 2
    return [torch.sqrt(t / steps) for t in total]


def evaluate(net, trained, rule):
    """The log-probability of each unit, predicted before it is learned from."""
    rate, decay = RULES[rule]
    roots = squares(net) if rule == "rms" else None
    mean = sum(r.mean().item() for r in roots) / len(roots) if roots else 0
    found = []
    for text in TEXTS:
        state = None
        for at in range(0, len(text) - 1, SEGMENT):
            piece = ids(text[at:at + SEGMENT + 1])
            net.zero_grad()
            logits, state = net(torch.tensor([piece[:-1]]), state)
            state = tuple(s.detach() for s in state)
            losses = nn.functional.cross_entropy(logits[0], torch.tensor(piece[1:]), reduction="none")
            found += (-losses).tolist()
            losses.mean().backward()
            with torch.no_grad():
                for i, (w, w0) in enumerate(zip(net.parameters(), trained)):
                    pull = torch.clamp(decay * roots[i] / mean, max=1) if roots else decay
                    pace = 1 / (roots[i] + EPSILON * mean) if roots else 1
                    w += pull * (w0 - w) - rate * w.grad * pace
    return found


def array(name, numbers):
    print("static const double %s[] = {%s};" % (name, ", ".join("%.17g" % n for n in numbers)))


def main():
    net = Net().double()
    for w in net.parameters():
        w.data = torch.randint(-64, 64, w.shape, generator=generator).double() / 64
    trained = [w.detach().clone() for w in net.parameters()]
    print("/* adapt_vectors.h - made by make_adapt_vectors.py with torch %s, Python %s. Do not edit. */" %
          (torch.__version__, platform.python_version()))
    print("#pragma once\n// clang-format off")
    print("enum { ADAPT_V = %d, ADAPT_TEXTS = %d, ADAPT_SEGMENT = %d };" % (V, len(TEXTS), SEGMENT))
    print('static const char adapt_train[] = "%s\\n";' % TRAIN)
    print("static const char *const adapt_text[] = {%s};" % ", ".join('"%s"' % t for t in TEXTS))
    print('static const char *const adapt_settings[] = {"task=lm", "model.embedding=%d", "model.hidden=%d", '
          '"model.recurrent_bias=true", "train.ar=2", "train.tar=1", "train.batch=%d", "train.unroll=%d", NULL};' % (E, H, LANES, UNROLL))
    print("static const double adapt_epsilon = %.17g;" % EPSILON)
    array("adapt_weights", torch.cat([w.flatten() for w in trained]).tolist())
    for rule, (rate, decay) in RULES.items():
        with torch.no_grad():
            for w, w0 in zip(net.parameters(), trained):
                w.copy_(w0)
        array("adapt_%s" % rule, evaluate(net, trained, rule))
    print("static const struct {\n  const char *rule;\n  double rate, decay;\n  const double *log_p;\n} adapt_rules[] = {\n%s\n};" %
          "\n".join('  {"%s", %.17g, %.17g, adapt_%s},' % (r, *RULES[r], r) for r in RULES))


if __name__ == "__main__":
    sys.exit(main())
