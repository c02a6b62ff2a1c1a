"""The workloads of side_by_side.py: the same shapes, settings and optimizer for both sides.

steps: of an epoch. Lockstep tells its speed at every epoch's end, so that a slow net's epochs are kept short.
"""


def _lm(hidden, vocabulary, batch, unroll, steps, optimizer, rate):
    return {
        "task": "lm", "cell": "lstm", "layers": 2, "directions": 1, "hidden": hidden, "embedding": hidden,
        "vocabulary": vocabulary, "outputs": vocabulary, "batch": batch, "unroll": unroll, "steps": steps,
        "optimizer": optimizer, "rate": rate, "clip": 5,
    }  # fmt: skip


WORKLOADS = {
    "word-200": _lm(200, 10000, 20, 20, 60, "sgd", 0.1),
    "word-650": _lm(650, 10000, 20, 35, 20, "sgd", 0.1),
    "char-128": _lm(128, 65, 50, 50, 100, "adam", 0.001),
    "char-512": _lm(512, 65, 50, 50, 20, "adam", 0.001),
    # real sentence lengths of ud-english-ewt where LOCKSTEP_DATA has it
    "tagger": {
        "task": "label", "cell": "lstm", "layers": 2, "directions": 2, "hidden": 200, "embedding": 128,
        "vocabulary": 19676, "outputs": 17, "batch": 32, "optimizer": "adam", "rate": 0.001, "clip": 5,
    },
    # Lample et al. 2016: a BiLSTM-CRF with characters, as they stand in the sentences of ud-english-ewt (LOCKSTEP_DATA)
    "crf-chars": {
        "task": "label", "text": True, "cell": "lstm", "layers": 1, "directions": 2, "hidden": 200, "embedding": 100,
        "character_embedding": 25, "character_hidden": 25, "batch": 32, "steps": 80, "optimizer": "adam", "rate": 0.001,
        "clip": 5,
        "model": {"output": "crf", "characters": "lstm", "character_embedding": 25, "character_hidden": 25},
    },
    "classifier": {
        "task": "classify", "cell": "gru", "layers": 1, "directions": 1, "hidden": 256, "embedding": 128,
        "vocabulary": 10000, "outputs": 5, "batch": 32, "steps": 20, "optimizer": "adam", "rate": 0.001, "clip": 5,
    },
    # the net of translate-g2p.yaml without dropout, real lengths of cmudict-g2p where LOCKSTEP_DATA has it
    "translator": {
        "task": "translate", "cell": "lstm", "layers": 2, "directions": 2, "hidden": 384, "embedding": 128,
        "vocabulary": 32, "outputs": 44, "batch": 128, "steps": 20, "optimizer": "adam", "rate": 0.001, "clip": 5,
    },
}  # fmt: skip
TO_REACH = {
    "word-200": 3, "word-650": 2.5, "char-128": 3.5, "char-512": 1.7, "tagger": 3, "crf-chars": 3, "classifier": 3, "translator": 2.5,
}  # fmt: skip
