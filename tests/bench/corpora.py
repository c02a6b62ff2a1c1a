"""Corpora and configurations of the workloads for `lockstep train`, and its speed; used by side_by_side.py, hosts.py and settings.py.

LOCKSTEP=program   LOCKSTEP_DATA=folder with ud-english-ewt/, cmudict-g2p/: the real sentences or lengths of taggers and
translator
"""
import json
import os
import random
import statistics
import subprocess
import sys

program = os.environ.get("LOCKSTEP", "lockstep")
environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1")


def call(*command):
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=600)  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def treebank():
    path = os.path.join(os.environ.get("LOCKSTEP_DATA", ""), "ud-english-ewt", "en_ewt-ud-train.conllu")
    if not os.path.exists(path):
        sys.exit("taggers need LOCKSTEP_DATA with ud-english-ewt/")
    return path


def lengths_of(name, w, draw):
    """Lengths of the sequences, where they vary: one number each, of pairs two."""
    if name == "classifier":
        return [(draw.randint(20, 400),) for _ in range(w["steps"] * w["batch"])]
    if name == "translator":
        path = os.path.join(os.environ.get("LOCKSTEP_DATA", ""), "cmudict-g2p", "train.tsv")
        if not os.path.exists(path):
            sys.exit("the translator needs LOCKSTEP_DATA with cmudict-g2p/")
        rows = [line.rstrip("\n").split("\t")[:2] for line in open(path, encoding="utf-8")]
        return [tuple(len(side.split()) for side in row) for row in draw.sample(rows, w["steps"] * w["batch"])]
    lengths, words = [], 0
    for line in open(treebank(), encoding="utf-8"):
        if line.strip() == "":
            lengths.append(words)
            words = 0
        elif line.split("\t")[0].isdigit():
            words += 1
    return [(n,) for n in lengths if n > 0]


def sentences():
    """Those of ud-english-ewt, each as lines of words and their parts of speech."""
    found = [""]
    for line in open(treebank(), encoding="utf-8"):
        cells = line.rstrip("\n").split("\t")
        if cells[0].isdigit():
            found[-1] += f"{cells[1]}\t{cells[3]}\n"
        elif found[-1] and not line.strip():
            found.append("")
    return [sentence for sentence in found if sentence]


def words_of(count):
    return [f"w{i}" for i in range(count - 4)]  # and the four specials


def make_corpus(name, w, folder):
    """The corpus file, and a file of lengths where they vary."""
    draw = random.Random(1)
    text, corpus, lengths = f"{folder}/{name}.txt", f"{folder}/{name}.h5", None
    if w.get("text"):
        with open(text, "w", encoding="utf-8") as out:
            out.writelines(each + "\n" for each in draw.sample(sentences(), w["steps"] * w["batch"]))
        call(program, "prepare", "label", text, "--column", "word=0,tag=1", "-o", corpus)
        return corpus, text
    words = words_of(w["vocabulary"])
    with open(text, "w", encoding="utf-8") as out:
        if w["task"] == "lm":
            # every word once, so that the vocabulary is whole
            line = words + draw.choices(words, k=w["batch"] * w["unroll"] * w["steps"] - len(words))
            for i in range(0, len(line), 1000):  # <eos> at line ends: a few
                out.write(" ".join(line[i : i + 1000]) + "\n")
        else:
            lengths = lengths_of(name, w, draw)
            for n, *more in lengths:
                row = draw.choices(words, k=n)
                if w["task"] == "translate":
                    out.write(f"{' '.join(row)}\t{' '.join(draw.choices(words_of(w['outputs']), k=more[0]))}\n")
                elif w["task"] == "classify":
                    out.write(f"c{draw.randrange(w['outputs'])}\t{' '.join(row)}\n")
                else:
                    out.writelines(f"{word}\tT{draw.randrange(w['outputs'])}\n" for word in row)
                    out.write("\n")
    kind = {"lm": ["text", "--stream"], "label": ["label", "--column", "word=0,tag=1"], "classify": ["classify"],
            "translate": ["pairs"]}[w["task"]]  # fmt: skip
    call(program, "prepare", kind[0], text, *kind[1:], "-o", corpus)
    if lengths:
        with open(f"{folder}/{name}.lengths", "w", encoding="utf-8") as out:
            out.writelines(" ".join(map(str, n)) + "\n" for n in lengths)
    return corpus, f"{folder}/{name}.lengths" if lengths else None


def counted(lengths):
    """The part of Lockstep's tokens that count: of pairs those of the target."""
    rows = [[int(n) + 1 for n in line.split()] for line in open(lengths)] if lengths else [[1]]
    return sum(row[-1] for row in rows) / sum(map(sum, rows))


def write_config(w, corpus, folder, seconds, **parallel):
    """The file of a run of so many seconds, in folder/run, which is emptied."""
    config, run = f"{folder}/config.yaml", f"{folder}/run"
    call("rm", "-rf", run)
    with open(config, "w", encoding="utf-8") as out:
        json.dump({
            "task": w["task"], "run": {"dir": run}, "data": {"corpus": corpus},
            "model": {"input": "embed", "embedding": w["embedding"], "cell": w["cell"], "hidden": w["hidden"],
                      "layers": w["layers"], "bidirectional": w["directions"] == 2, "dropout": 0, "tied": False,
                      "recurrent_bias": True, "pool": "last", "attention": "general", "input_feeding": True,
                      "bridge": "dense", **w.get("model", {})},
            "train": {"batch": w["batch"], "unroll": w.get("unroll", 1), "optimizer": w["optimizer"],
                      "rate": w["rate"], "clip": w["clip"], "schedule": "constant", "epochs": 0,
                      "minutes": seconds / 60},
            "checkpoint": {"every": 0}, "eval": {"every": 0}, "parallel": parallel,
        }, out)  # fmt: skip
    return config


def speed(w, lengths, folder, launcher, config, *settings):
    """Tokens per second of all windows but the first, of a run that `launcher` starts, with further settings."""
    done = subprocess.run([*launcher, program, "train", config, *settings], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    if done.returncode not in (0, 75):  # 75: the time is up, the state is saved
        sys.exit(f"lockstep train ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = [json.loads(line) for line in open(f"{folder}/run/metrics.jsonl", encoding="utf-8")]
    rates = [line["tokens_per_second"] for line in lines if line["kind"] == "train"][1:]
    if not rates:
        sys.exit("lockstep train wrote fewer than two windows: give it more --seconds")
    return statistics.median(rates) * (1 if w.get("text") else counted(lengths))
