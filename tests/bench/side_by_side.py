#!/usr/bin/python3
"""side_by_side.py [WORKLOAD ...] [--rounds N] [--seconds S]

Lockstep and PyTorch in turn on the same workload: tokens per second, medians over the rounds, and their ratio.
PyTorch runs in every way that may be its best: as 2 ranks of 1 thread or 1 process of 2 threads; with the kernels that
OpenBLAS takes by itself, which on a CPU that it does not know are its slowest, with those for Haswell, or with those for
SkylakeX; in float32 or by autocast in bfloat16, where the CPU has instructions for it; with dense gradients of the
embedding or, where the optimizer takes them, sparse ones. Each way is tried once for --trial seconds; the two fastest
of either precision then run in every round, and the best of them counts. Lockstep runs through `lockstep train` on a
corpus of the same shape, 2 ranks, in float32 and in bf16; the windows of metrics.jsonl count, but for the first.

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
cpu = next((line for line in open("/proc/cpuinfo", encoding="ascii") if line.startswith("flags")), "").split()
precisions = ["float32", "bf16"] if {"avx512_bf16", "amx_bf16"} & set(cpu) else ["float32"]


def ours(w, corpus, lengths, folder, precision):
    config = write_config(w, corpus, folder, args.seconds, shards=args.shards)
    return speed(w, lengths, folder, ["mpirun", "-n", str(args.ranks)], config, f"train.precision={precision}")


def ways(w):
    """Options of torch_ddp.py, each with words for the table."""
    split = [("2 ranks", ["--ranks", "2", "--threads", "1"]), ("2 threads", ["--ranks", "1", "--threads", "2"])]
    cores = [("", []), ("Haswell", ["--core", "Haswell"])]
    if "avx512f" in cpu:
        cores.append(("SkylakeX", ["--core", "SkylakeX"]))
    numbers = [("", []), ("bf16", ["--bf16"])][: len(precisions)]
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


def precision_of(words):
    return "bf16" if "bf16" in words.split() else "float32"


def middle(rates):
    return statistics.median(rates) if rates else 0.0


def against(mine, others):
    """Median and range of the ratios of one round each, for the table."""
    ratios = sorted(a / b for a, b in zip(mine, others) if b > 0)
    return f"{middle(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})" if ratios else "-"


def compare(name, folder):
    w = WORKLOADS[name]
    corpus, lengths = make_corpus(name, w, folder)
    tried = []
    for words, options in [] if args.alone else ways(w):
        tried.append((theirs(name, lengths, options, args.trial), words, options))
    tried.sort(key=lambda way: -way[0])
    if args.verbose:
        for rate, words, _ in tried:
            print(f"  {rate:10.0f}  {words}", flush=True)
    kept = [way for each in precisions for way in [way for way in tried if precision_of(way[1]) == each][:2]]
    mine, rates = {precision: [] for precision in precisions}, {words: [] for _, words, _ in kept}
    for _ in range(args.rounds):
        for precision in precisions:
            mine[precision].append(ours(w, corpus, lengths, folder, precision))
        for _, words, options in kept:
            rates[words].append(theirs(name, lengths, options, args.seconds))
    best = {}  # of PyTorch, in each round
    for precision in precisions:
        columns = [rates[words] for words in rates if precision_of(words) == precision]
        best[precision] = [max(each) for each in zip(*columns)]
        print(f"{name:12} {precision:9} {middle(mine[precision]):10.0f} {middle(best[precision]):10.0f} "
              f"{against(mine[precision], best[precision]):>18}", flush=True)  # fmt: skip
    if args.alone:
        return
    fastest = max(rates, key=lambda words: middle(rates[words]))
    both = [max(each) for each in zip(*best.values())]
    reached = [a / b for a, b in zip(mine["float32"], both) if b > 0]
    verdict = "" if not reached else "reached" if middle(reached) >= TO_REACH[name] else "behind"
    print(f"{name:12} {'float32 against its best way':31} {against(mine['float32'], both):>18}   to reach {TO_REACH[name]}: "
          f"{verdict} ({fastest})", flush=True)  # fmt: skip


print(f"{'workload':12} {'precision':9} {'lockstep':>10} {'PyTorch':>10} {'ratio':>18}")
with tempfile.TemporaryDirectory() as scratch:
    for each in args.workload or WORKLOADS:
        compare(each, scratch)
