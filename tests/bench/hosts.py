#!/usr/bin/python3
"""hosts.py [WORKLOAD ...] [--hosts N] [--rate 1gbit] [--rounds N] [--seconds S] [--same-batch | --parts K]
         [--torch WAY]

The speed of one host and of N hosts with one rank each, in turn, and what `lockstep plan` says of it. The hosts are Linux
network namespaces on this machine, joined by a bridge; each one's plug sends and receives at most --rate. The batch of N
hosts is N times as large, or with --same-batch the same. Efficiency: tokens per second of N hosts over N times those of
one, of the medians over the rounds. It needs root, `ip` and `tc`, and a core for each host.

--parts K: the batch of N hosts is K N times as large, and each host computes its part of it in K parts
(train.accumulate). A step's bytes stay the same.

--torch WAY: also PyTorch's DistributedDataParallel over gloo, on the same hosts, with the options WAY of torch_ddp.py
("--core SkylakeX"; "" for none).

LOCKSTEP=program   LOCKSTEP_DATA=folder with ud-english-ewt/, cmudict-g2p/ (as side_by_side.py)
"""
import argparse
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile

from corpora import counted, environment, make_corpus, program, speed, write_config
from workloads import WORKLOADS

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("workload", nargs="*", choices=[[], *WORKLOADS], help="all of them: " + " ".join(WORKLOADS))
arguments.add_argument("--hosts", type=int, default=2)
arguments.add_argument("--rate", default="1gbit", help="of each host's plug, as tc takes it: 1gbit, 100mbit")
arguments.add_argument("--rounds", type=int, default=3)
arguments.add_argument("--seconds", type=float, default=8, help="of each run")
arguments.add_argument("--same-batch", action="store_true", help="divide one batch instead of having one for each host")
arguments.add_argument("--parts", type=int, default=1, help="of a batch that is as many times larger")
arguments.add_argument("--torch", metavar="WAY", help="PyTorch too, with these options of torch_ddp.py")
args = arguments.parse_args()
if args.same_batch and args.parts > 1:
    arguments.error("--same-batch divides a batch, --parts makes it larger: give one of them")
here = os.path.dirname(os.path.abspath(__file__))
net, prefix = "10.78.31", f"lockstep{os.getpid()}"


def ip(*words, check=True):
    subprocess.run(["ip", *map(str, words)], check=check, stderr=None if check else subprocess.DEVNULL)


def inside(space, *words):
    return ["ip", "netns", "exec", f"{prefix}-{space}", *words]


def slow_down(space, device):
    """Limit what the device sends, in packets as a wire has them."""
    subprocess.run(inside(space, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off"), check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    subprocess.run(inside(space, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", args.rate, "burst", "128kb",
                          "latency", "20ms"), check=True)  # fmt: skip


def up(folder):
    """A bridge in a namespace of its own, and the hosts. Returns the file by which mpirun starts its helpers on them."""
    ip("netns", "add", f"{prefix}-bridge")
    ip("-n", f"{prefix}-bridge", "link", "add", "br0", "type", "bridge")
    ip("-n", f"{prefix}-bridge", "link", "set", "br0", "up")
    for h in range(1, args.hosts + 1):
        space = f"{prefix}-{h}"
        ip("netns", "add", space)
        ip("link", "add", "eth0", "netns", space, "type", "veth", "peer", "name", f"v{h}", "netns", f"{prefix}-bridge")
        ip("-n", f"{prefix}-bridge", "link", "set", f"v{h}", "master", "br0", "up")
        ip("-n", space, "addr", "add", f"{net}.{h}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "lo", "up")
        ip("-n", space, "link", "set", "eth0", "up")
        slow_down(h, "eth0")
        slow_down("bridge", f"v{h}")
    agent = f"{folder}/agent"
    with open(agent, "w", encoding="ascii") as out:
        out.write(f"""#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do shift; done
host=${{1##*.}}; shift
exec ip netns exec {prefix}-$host unshare --uts sh -c "hostname host$host; $*"
""")
    os.chmod(agent, 0o755)
    return agent


def down():
    for space in ["bridge", *range(1, args.hosts + 1)]:
        ip("netns", "del", f"{prefix}-{space}", check=False)


def launcher(agent, hosts):
    start = inside(1, "unshare", "--uts", "sh", "-c", 'hostname host1; exec "$@"', "sh", "mpirun", "--bind-to", "none")
    if hosts == 1:
        return [*start, "-n", "1"]
    names = ",".join(f"{net}.{h}:1" for h in range(1, hosts + 1))
    tcp = ["--mca", "oob_tcp_if_include", f"{net}.0/24", "--mca", "btl_tcp_if_include", f"{net}.0/24", "--mca", "btl",
           "self,tcp"]  # fmt: skip
    return [*start, "--host", names, "-n", str(hosts), "--mca", "plm_rsh_agent", agent, "--mca",
            "orte_keep_fqdn_hostnames", "1", *tcp, "-x", "OMPI_ALLOW_RUN_AS_ROOT", "-x",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]  # fmt: skip


def gigabytes():
    """--rate in GB/s."""
    units = {"gbit": 0.125, "mbit": 0.125e-3}
    for unit, factor in units.items():
        if args.rate.endswith(unit):
            return float(args.rate[: -len(unit)]) * factor
    sys.exit("--rate: expected a number with gbit or mbit")


def foreseen(config, wire):
    """What `lockstep plan` says of so many hosts, from steps of one: tokens per second."""
    command = [program, "plan", config, f"parallel.wire={wire}", "--hosts", str(args.hosts), "--bandwidth", str(gigabytes()), "--json"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    rows = json.loads(done.stdout)["divided" if args.same_batch else "each"]
    return rows[-1]["tokens_per_second"]


def torch(name, lengths, hosts, batch):
    """Tokens per second of PyTorch on so many hosts."""
    started = []
    for rank in range(hosts):
        command = ["/usr/bin/python3", f"{here}/torch_ddp.py", name, "--seconds", str(args.seconds), "--batch", str(batch), "--ranks", str(hosts),
                   "--rank", str(rank), "--address", f"{net}.1:29511", *shlex.split(args.torch)]  # fmt: skip
        if lengths:
            command += ["--lengths", lengths]
        started.append(subprocess.Popen(inside(rank + 1, *command), stdout=subprocess.PIPE, text=True,
                                        env={**environment, "GLOO_SOCKET_IFNAME": "eth0"}))  # fmt: skip
    text, _ = started[0].communicate()
    codes = [each.wait() for each in started]
    if any(codes):
        sys.exit(f"PyTorch ended with {codes}")
    return float(text)


def compare(name, folder, agent):
    w = WORKLOADS[name]
    corpus, lengths = make_corpus(name, w, folder)
    larger = {**w, "batch": w["batch"] * (1 if args.same_batch else args.hosts * args.parts)}
    in_parts = [f"parallel.shards={args.hosts * args.parts}", f"train.accumulate={args.parts}"] if args.parts > 1 else []
    ways = ["one host", "float32", "bf16"] + (["gloo, one host", "gloo"] if args.torch is not None else [])
    rates = {way: [] for way in ways}
    for _ in range(args.rounds):
        for way in ways:
            if way.startswith("gloo"):
                hosts = 1 if "one" in way else args.hosts
                rates[way].append(torch(name, lengths, hosts, (w if hosts == 1 else larger)["batch"]))
                continue
            hosts = 1 if way == "one host" else args.hosts
            wire = "bf16" if way == "bf16" else "float32"
            config = write_config(w if hosts == 1 else larger, corpus, folder, args.seconds, shards="ranks", wire=wire)
            rates[way].append(speed(w, lengths, folder, launcher(agent, hosts), config, *(in_parts if hosts > 1 else [])))
    medians = {way: statistics.median(values) for way, values in rates.items()}
    config = write_config(w, corpus, folder, args.seconds, shards="ranks")
    counts = 1 if w.get("text") else counted(lengths)
    for way in ways:
        one = medians["gloo, one host" if way.startswith("gloo") else "one host"]
        efficiency = medians[way] / (args.hosts * one)
        line = f"{name:12} {way:16} {medians[way]:12.0f} ({min(rates[way]):.0f}-{max(rates[way]):.0f})"
        if way in ("float32", "bf16", "gloo"):
            line += f"   efficiency {efficiency:.2f}"
        if way in ("float32", "bf16") and args.parts == 1:
            plan = foreseen(config, way) * counts
            line += f"   plan: {plan:.0f}, {plan / medians[way]:.2f} times that"
        print(line, flush=True)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the hosts are removed nevertheless
with tempfile.TemporaryDirectory() as scratch:
    try:
        made = up(scratch)
        print(f"{args.hosts} hosts, {args.rate}; tokens/s: median of {args.rounds} (range)")
        for each in args.workload or WORKLOADS:
            compare(each, scratch, made)
    finally:
        down()
