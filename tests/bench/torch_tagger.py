#!/usr/bin/python3
"""torch_tagger.py MODEL.h5 SENTENCES

The tagger of workload crf-chars in PyTorch, which torch_ddp.py trains: word embeddings beside what a bidirectional
LSTM makes of each word's characters (its two last states), a bidirectional LSTM, and a linear-chain CRF (Lample et al.
2016).

Written to be fast: sequences are packed; the characters of each distinct word of a batch are read once, sorted by
length beforehand; the CRF's forward algorithm takes one step in time for all sentences together, in log space. Indices
are made before the clock runs.

Run alone it gives the loss, in nats a word, of a model that Lockstep trained (needs h5py); `lockstep eval` gives the
same. SENTENCES: word TAB label, an empty line behind each sentence.
"""
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_sequence

PAD, SOS, EOS, UNK, FIRST = 0, 1, 2, 3, 4


class CrfTagger(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.words = nn.Embedding(w["vocabulary"], w["embedding"])
        self.letters = nn.Embedding(w["characters"], w["character_embedding"])
        self.speller = nn.LSTM(w["character_embedding"], w["character_hidden"], bidirectional=True)
        self.rnn = nn.LSTM(w["embedding"] + 2 * w["character_hidden"], w["hidden"], w["layers"], bidirectional=True)
        self.output = nn.Linear(2 * w["hidden"], w["outputs"])
        self.transitions = nn.Parameter(torch.empty(w["outputs"], w["outputs"]).uniform_(-0.1, 0.1))  # from, to
        self.start = nn.Parameter(torch.empty(w["outputs"]).uniform_(-0.1, 0.1))
        self.end = nn.Parameter(torch.empty(w["outputs"]).uniform_(-0.1, 0.1))

    def log_z(self, scores, sizes):
        """The sum over sentences of log Z, of scores [N, O] packed in time."""
        steps = scores.split(sizes)
        alpha, ended = self.start + steps[0], []
        for s in steps[1:]:
            n = len(s)
            if n < len(alpha):  # sentences are sorted by falling length: the shortest end first
                ended.append(alpha[n:])
            alpha = torch.logsumexp(alpha[:n].unsqueeze(2) + self.transitions, 1) + s
        ended.append(alpha)
        return torch.logsumexp(torch.cat(ended) + self.end, 1).sum()

    def forward(self, x, _):
        """The loss of a batch, nats a word. x: see batch()."""
        (ids, letters, place), (label, before, after, first, last) = x
        spelled = self.speller(letters._replace(data=self.letters(letters.data)))[1][0]  # [2, words, hidden]
        spelled = spelled.transpose(0, 1).reshape(spelled.shape[1], -1).index_select(0, place)
        y = self.rnn(ids._replace(data=torch.cat((self.words(ids.data), spelled), 1)))[0].data
        scores = self.output(y)
        right = (scores.gather(1, label.unsqueeze(1)).sum() + self.transitions[before, after].sum()
                 + self.start[first].sum() + self.end[last].sum())  # fmt: skip
        return (self.log_z(scores, ids.batch_sizes.tolist()) - right) / len(label), None


def batch(sentences, letters_of):
    """What CrfTagger.forward() gets for sentences [(word, label), ...] of falling length, all numbers.
    letters_of[word]: its characters."""
    ids = pack_sequence([torch.tensor([w for w, _ in s]) for s in sentences])
    label = pack_sequence([torch.tensor([y for _, y in s]) for s in sentences]).data
    words, place = torch.unique(ids.data, return_inverse=True)
    words = words.tolist()
    order = sorted(range(len(words)), key=lambda i: -len(letters_of[words[i]]))
    rank = torch.empty(len(words), dtype=torch.long)
    rank[torch.tensor(order)] = torch.arange(len(words))
    letters = pack_sequence([torch.tensor(letters_of[words[i]]) for i in order])
    pairs = [(s[t][1], s[t + 1][1]) for s in sentences for t in range(len(s) - 1)]
    before, after = (torch.tensor(side, dtype=torch.long) for side in (zip(*pairs) if pairs else ((), ())))
    first, last = torch.tensor([s[0][1] for s in sentences]), torch.tensor([s[-1][1] for s in sentences])
    return (ids, letters, rank[place]), (label, before, after, first, last)


def read(path):
    """Sentences [[(word, label), ...], ...] of a file."""
    sentences, sentence = [], []
    for line in open(path, encoding="utf-8"):
        if line.strip():
            sentence.append(tuple(line.rstrip("\n").split("\t")))
        elif sentence:
            sentences.append(sentence)
            sentence = []
    return sentences + [sentence] * bool(sentence)


def spelled(word):
    """The characters that are read of a word, as Lockstep has them: of long ones the first and last 16."""
    return list(word) if len(word) <= 32 else list(word[:16] + word[-16:])


def numbered(sentences):
    """The same with numbers; the characters of each word, by its number; how many labels."""
    words, letters, labels = {}, {}, {}
    rows = [
        [(words.setdefault(w, len(words) + FIRST), labels.setdefault(y, len(labels))) for w, y in s] for s in sentences
    ]
    letters_of = {
        i: [SOS, *(letters.setdefault(c, len(letters) + FIRST) for c in spelled(w)), EOS] for w, i in words.items()
    }
    return rows, letters_of, len(labels)


def sized(w, path):
    """The workload with the sizes of its text."""
    rows, letters_of, labels = numbered(read(path))
    letters = max(max(letters) for letters in letters_of.values()) + 1
    return dict(w, vocabulary=len(letters_of) + FIRST, characters=letters, outputs=labels)


def batches(w, rank, ranks, path, g):
    """Batches of this rank: (input with labels, None, words), of sentences of similar length."""
    rows, letters_of, _ = numbered(read(path))
    order = sorted(rows, key=len)
    steps = [order[i : i + w["batch"]] for i in range(0, len(order) - w["batch"] + 1, w["batch"])]
    for s in torch.randperm(len(steps), generator=g).tolist():
        own = sorted(steps[s][rank::ranks], key=len, reverse=True)
        yield batch(own, letters_of), None, sum(map(len, own))


def load(path):
    """The net of a model that Lockstep trained, and the numbers of its words, characters and labels."""
    import h5py

    with h5py.File(path) as file:
        values = {}
        file["model"].visititems(lambda name, o: values.update({name: o}) if isinstance(o, h5py.Dataset) else None)
        values = {name: torch.tensor(o[()]) for name, o in values.items()}
        number = {
            kind: {text.decode(): i for i, text in enumerate(file["vocab"][kind])}
            for kind in ("source", "character", "label")
        }
    w = {
        "vocabulary": len(number["source"]), "embedding": values["embedding/weight"].shape[1],
        "characters": len(number["character"]), "character_embedding": values["characters/embedding/weight"].shape[1],
        "character_hidden": values["characters/forward/weight_hh"].shape[1], "outputs": len(number["label"]),
        "hidden": values["rnn/0/forward/weight_hh"].shape[1],
        "layers": sum(name.startswith("rnn/") and name.endswith("forward/weight_hh") for name in values),
    }  # fmt: skip
    net, state = CrfTagger(w), {}
    names = {"words.weight": "embedding/weight", "letters.weight": "characters/embedding/weight",
             "output.weight": "output/weight", "output.bias": "output/bias", "transitions": "output/transitions",
             "start": "output/start", "end": "output/end"}  # fmt: skip
    for name in net.state_dict():
        part, _, rest = name.partition(".")
        if part in ("speller", "rnn"):
            tensor, layer = rest.replace("_reverse", "").rsplit("_l", 1)
            direction = "backward" if rest.endswith("_reverse") else "forward"
            names[name] = "/".join(["characters"] if part == "speller" else ["rnn", layer]) + f"/{direction}/{tensor}"
        state[name] = values[names[name]]
    net.load_state_dict(state)
    return net, number


def check(model, path):
    """The loss of a model on sentences, nats a word."""
    net, number = load(model)
    sentences = sorted(read(path), key=len, reverse=True)
    words = {w: i for i, w in enumerate({w for s in sentences for w, _ in s})}  # unknown ones have letters, too
    letters_of = {i: [SOS, *(number["character"].get(c, UNK) for c in spelled(w)), EOS] for w, i in words.items()}
    known = torch.tensor([number["source"].get(w, UNK) for w in words])
    loss = count = 0
    for first in range(0, len(sentences), 32):
        own = [[(words[w], number["label"][y]) for w, y in s] for s in sentences[first : first + 32]]
        (ids, letters, place), labels = batch(own, letters_of)
        with torch.no_grad():
            mean = net(((ids._replace(data=known[ids.data]), letters, place), labels), None)[0].item()
        loss += mean * len(place)
        count += len(place)
    return loss / count


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(f"{check(*sys.argv[1:]):.6f}")
