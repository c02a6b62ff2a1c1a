#!/usr/bin/python3
"""side_by_side.py [WORKLOAD ...] [--rounds N] [--seconds S]

Lockstep and PyTorch in turn on the same workload: tokens per second, medians over the rounds, and their ratio.
PyTorch runs in every way that may be its best: as 2 ranks of 1 thread or 1 process of 2 threads; with the kernels that
OpenBLAS takes by itself, which on a CPU that it does not know are its slowest, with those for Haswell, or with those for
SkylakeX; in float32 or by autocast in bfloat16, where the CPU has instructions for it; with dense gradients of the
embedding or, where the optimizer takes them, sparse ones. Each way is tried once for --trial seconds; the three fastest
then run in every round, and the best of them counts. Lockstep runs through `lockstep train` on a corpus of the same
shape, 2 ranks; the windows of metrics.jsonl count, but for the first.

Of a translator target tokens count, <eos> among them.

LOCKSTEP=program   LOCKSTEP_DATA=folder with ud-english-ewt/, cmudict-g2p/: the real sentences or lengths of taggers and
translator
"""
import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

from workloads import TO_REACH, WORKLOADS

here = os.path.dirname(os.path.abspath(__file__))
arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("workload", nargs="*", choices=[[], *WORKLOADS], help="all of them: " + " ".join(WORKLOADS))
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--seconds", type=float, default=8, help="of each run")
arguments.add_argument("--trial", type=float, default=2, help="seconds of each way of PyTorch before the rounds")
arguments.add_argument("--shards", default="ranks", help="parallel.shards of Lockstep")
arguments.add_argument("--ranks", type=int, default=2, help="of Lockstep")
arguments.add_argument("--verbose", action="store_true", help="print the trial of every way")
arguments.add_argument("--alone", action="store_true", help="without PyTorch")
args = arguments.parse_args()
program = os.environ.get("LOCKSTEP", "lockstep")
environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1")


def call(*command):
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=4 * args.seconds + 120)  # fmt: skip
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


def ours(w, corpus, lengths, folder, seconds):
    """Tokens per second of all windows but the first."""
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
            "checkpoint": {"every": 0}, "eval": {"every": 0}, "parallel": {"shards": args.shards},
        }, out)  # fmt: skip
    done = subprocess.run(["mpirun", "-n", str(args.ranks), program, "train", config], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    if done.returncode not in (0, 75):  # 75: the time is up, the state is saved
        sys.exit(f"lockstep train ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = [json.loads(line) for line in open(f"{run}/metrics.jsonl", encoding="utf-8")]
    rates = [line["tokens_per_second"] for line in lines if line["kind"] == "train"][1:]
    if not rates:
        sys.exit("lockstep train wrote fewer than two windows: give it more --seconds")
    return statistics.median(rates) * (1 if w.get("text") else counted(lengths))


def ways(w):
    """Options of torch_ddp.py, each with words for the table."""
    flags = next((line for line in open("/proc/cpuinfo", encoding="ascii") if line.startswith("flags")), "").split()
    split = [("2 ranks", ["--ranks", "2", "--threads", "1"]), ("2 threads", ["--ranks", "1", "--threads", "2"])]
    cores = [("", []), ("Haswell", ["--core", "Haswell"])]
    if "avx512f" in flags:
        cores.append(("SkylakeX", ["--core", "SkylakeX"]))
    numbers = [("", [])] + ([("bf16", ["--bf16"])] if {"avx512_bf16", "amx_bf16"} & set(flags) else [])
    gradients = [("", [])] + ([("sparse", ["--sparse"])] if w["optimizer"] == "sgd" else [])
    for parts in itertools.product(split, cores, numbers, gradients):
        yield " ".join(word for word, _ in parts if word), [option for _, options in parts for option in options]


def theirs(name, lengths, options, seconds):
    """Tokens per second; 0 where it did not end in time, or PyTorch cannot do it."""
    command = ["/usr/bin/python3", f"{here}/torch_ddp.py", name, "--seconds", str(seconds), *options]
    try:
        done = subprocess.run(command + (["--lengths", lengths] if lengths else []), env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=4 * seconds + 60)  # fmt: skip
    except subprocess.TimeoutExpired:
        return 0.0  # a step of long sequences with two threads was seen to take minutes
    if done.returncode and "--bf16" not in options:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr[-2000:]}")
    return 0.0 if done.returncode else float(done.stdout)


def compare(name, folder):
    w = WORKLOADS[name]
    corpus, lengths = make_corpus(name, w, folder)
    if args.alone:
        rates = [ours(w, corpus, lengths, folder, args.seconds) for _ in range(args.rounds)]
        return print(f"{name:12} {statistics.median(rates):12.0f}", flush=True)
    tried = sorted(((theirs(name, lengths, options, args.trial), words, options) for words, options in ways(w)),
                   key=lambda way: -way[0])  # fmt: skip
    if args.verbose:
        for rate, words, _ in tried:
            print(f"  {rate:10.0f}  {words}", flush=True)
    mine, best = [], {words: [] for _, words, _ in tried[:3]}
    for _ in range(args.rounds):
        mine.append(ours(w, corpus, lengths, folder, args.seconds))
        for _, words, options in tried[:3]:
            best[words].append(theirs(name, lengths, options, args.seconds))
    a, fastest = statistics.median(mine), max(best, key=lambda words: statistics.median(best[words]))
    ratios = sorted(x / max(others) for x, *others in zip(mine, *best.values()) if max(others) > 0)
    if not ratios:
        return print(f"{name:12} {a:12.0f} {'PyTorch did not end in time':>40}", flush=True)
    verdict = "reached" if statistics.median(ratios) >= TO_REACH[name] else "behind"
    print(f"{name:12} {a:12.0f} {statistics.median(best[fastest]):12.0f} {statistics.median(ratios):8.2f} "
          f"({ratios[0]:.2f}-{ratios[-1]:.2f}) {TO_REACH[name]:9} {verdict:9} {fastest}", flush=True)  # fmt: skip


if args.alone:
    print(f"{'workload':12} {'lockstep':>12}")
else:
    print(f"{'workload':12} {'lockstep':>12} {'PyTorch':>12} {'ratio':>8}  (range)   to reach            its best way")
with tempfile.TemporaryDirectory() as scratch:
    for each in args.workload or WORKLOADS:
        compare(each, scratch)
