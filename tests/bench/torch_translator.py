"""The translator of configs/translate-g2p.yaml in PyTorch: what torch_ddp.py trains for workloads of task translate.

The encoder runs over a packed batch; the decoder's cells go time by time, because of input feeding, each time over the
targets that are still running, so that neither side computes padding; attention masks what is behind a source's end.
Keys are made of the encoder's states once a batch, all outputs in one product at the end.
"""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

PAD, SOS, EOS, FIRST = 0, 1, 2, 4


class Translator(nn.Module):
    def __init__(self, w):
        super().__init__()
        hidden, embedding, width = w["hidden"], w["embedding"], w["hidden"] * w["directions"]
        self.layers = w["layers"]
        self.source_embedding = nn.Embedding(w["vocabulary"], embedding)
        self.encoder = nn.LSTM(embedding, hidden, w["layers"], bidirectional=w["directions"] == 2)
        self.bridge = nn.ModuleList(nn.Linear(width, hidden) for _ in range(2 * w["layers"]))
        self.embedding = nn.Embedding(w["outputs"], embedding)
        self.cells = nn.ModuleList(
            nn.LSTMCell(hidden if layer else embedding + hidden, hidden) for layer in range(w["layers"])
        )
        self.key = nn.Linear(width, hidden, bias=False)
        self.combine = nn.Linear(hidden + width, hidden, bias=False)
        self.output = nn.Linear(hidden, w["outputs"])

    def start(self, final):
        """States [layers] of the decoder: tanh of a dense layer over both directions' last ones."""
        for layer in range(self.layers):
            pairs = (torch.cat(tuple(f[2 * layer : 2 * layer + 2]), 1) for f in final)
            yield tuple(torch.tanh(self.bridge[2 * layer + i](x)) for i, x in enumerate(pairs))

    def forward(self, x, _):
        source, reads, mask = x
        y, final = self.encoder(source._replace(data=self.source_embedding(source.data)))
        memory = pad_packed_sequence(y, batch_first=True)[0]  # [B, T, W] in the order of the targets
        keys = self.key(memory)
        states = list(self.start(final))
        fed, outputs = torch.zeros_like(states[0][0]), []
        for e in self.embedding(reads.data).split(reads.batch_sizes.tolist()):
            n = len(e)
            h = torch.cat((e, fed[:n]), 1)
            for layer, cell in enumerate(self.cells):
                states[layer] = cell(h, tuple(s[:n] for s in states[layer]))
                h = states[layer][0]
            scores = torch.bmm(keys[:n], h.unsqueeze(2)).squeeze(2) + mask[:n]
            context = torch.bmm(torch.softmax(scores, 1).unsqueeze(1), memory[:n]).squeeze(1)
            fed = torch.tanh(self.combine(torch.cat((h, context), 1)))
            outputs.append(fed)
        return self.output(torch.cat(outputs)), None


def pairs(w, rank, ranks, lengths, g):
    """Batches of this rank: (input, target, target tokens), of pairs of similar length."""
    def ids(count, n):
        return torch.randint(FIRST, count, (n,), generator=g)

    order = sorted(lengths, key=lambda pair: (max(pair), pair))
    steps = [order[i : i + w["batch"]] for i in range(0, len(order) - w["batch"] + 1, w["batch"])]
    for s in torch.randperm(len(steps), generator=g).tolist():
        own = sorted(steps[s][rank::ranks], key=lambda pair: -pair[1])
        end, begin = torch.tensor([EOS]), torch.tensor([SOS])
        source = pack_sequence([torch.cat((ids(w["vocabulary"], n), end)) for n, _ in own], enforce_sorted=False)
        target = [ids(w["outputs"], n) for _, n in own]
        reads = pack_sequence([torch.cat((begin, t)) for t in target])
        right = pack_sequence([torch.cat((t, end)) for t in target]).data
        longest = max(n for n, _ in own) + 1
        mask = torch.tensor([[0.0 if t <= n else float("-inf") for t in range(longest)] for n, _ in own])
        yield (source, reads, mask), right, len(right)
