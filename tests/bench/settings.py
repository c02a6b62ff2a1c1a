#!/usr/bin/python3
"""settings.py [WORKLOAD ...] --with KEY=VALUE [KEY=VALUE ...] [--rounds N] [--seconds S] [--ranks N]

What a setting does to the speed: `lockstep train` without it and with it in turn, on the workloads of side_by_side.py.
Tokens per second, medians over the rounds, and the ratio with its range.

LOCKSTEP=program   LOCKSTEP_DATA=folder with ud-english-ewt/, cmudict-g2p/ (as side_by_side.py)
"""
import argparse
import statistics
import tempfile

from corpora import make_corpus, speed, write_config
from workloads import WORKLOADS

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("workload", nargs="*", choices=[[], *WORKLOADS], help="all of them: " + " ".join(WORKLOADS))
arguments.add_argument("--with", dest="settings", nargs="+", required=True, metavar="KEY=VALUE")
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--seconds", type=float, default=8, help="of each run")
arguments.add_argument("--ranks", type=int, default=2)
args = arguments.parse_args()


def compare(name, folder):
    w = WORKLOADS[name]
    corpus, lengths = make_corpus(name, w, folder)
    rates = {(): [], tuple(args.settings): []}
    for _ in range(args.rounds):
        for settings, found in rates.items():
            config = write_config(w, corpus, folder, args.seconds, shards="ranks")
            found.append(speed(w, lengths, folder, ["mpirun", "-n", str(args.ranks)], config, *settings))
    without, given = rates.values()
    ratios = sorted(b / a for a, b in zip(without, given))
    print(f"{name:12} {statistics.median(without):12.0f} {statistics.median(given):12.0f} {statistics.median(ratios):8.2f} "
          f"({ratios[0]:.2f}-{ratios[-1]:.2f})", flush=True)  # fmt: skip


print(f"{'workload':12} {'without':>12} {'with':>12} {'ratio':>8}  (range)    {' '.join(args.settings)}")
with tempfile.TemporaryDirectory() as scratch:
    for each in args.workload or WORKLOADS:
        compare(each, scratch)
