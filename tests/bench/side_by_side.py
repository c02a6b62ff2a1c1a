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
import os
import statistics
import subprocess
import sys
import tempfile

from corpora import environment, make_corpus, speed, write_config
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


def ours(w, corpus, lengths, folder, seconds):
    config = write_config(w, corpus, folder, seconds, shards=args.shards)
    return speed(w, lengths, folder, ["mpirun", "-n", str(args.ranks)], config)


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
