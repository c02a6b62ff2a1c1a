#!/usr/bin/python3
"""scaling.py measure FOLDER [WORKLOAD ...] [--seconds S]
scaling.py compare FOLDER FILE [WORKLOAD ...]
scaling.py table FOLDER [WORKLOAD ...] [--gbit G] [--ranks-per-host M] [--ranks R,R,...] [KEY=VALUE ...]
scaling.py bound FOLDER [WORKLOAD ...] [--gbit G] [--ranks-per-host M] [--ranks R] [--goal E] [KEY=VALUE ...]
table and bound: [--dense-update]

Weak scaling of the workloads on trees of hosts, simulated from the messages that a step sends (README.md).

measure  times steps of one rank, with every core busy, for each workload and wire, and what a message takes; keeps both
         in FOLDER
compare  prints what replay says of hosts that hosts.py has measured; FILE is what hosts.py printed
table    prints the efficiency on 2, 4, ... ranks: tokens/s over those of as many ranks that exchange nothing
bound    prints what a step of R ranks takes: alone, a rank that exchanges nothing; MB, through the link of a host in one
         direction, the mean of the hosts and the most; link, the time of that mean; bound, the efficiency if nothing else
         took time; parts of the step on the first host; the efficiency of hosts, and of ranks, over one host or rank; how
         large a rank's batch has to be for the latter to be E

KEY=VALUE: settings of replay. Batch and shards grow with the ranks. --dense-update: as if the optimizer updated rows that a
step has not touched, which is what it would do with momentum: ranges are cut and values sent in another way.
LOCKSTEP_TOOLS=folder that build.sh has filled (build/scaling)   LOCKSTEP, LOCKSTEP_DATA as for hosts.py
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(here))
from corpora import counted, environment, make_corpus, write_config  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

tools = os.environ.get("LOCKSTEP_TOOLS", "build/scaling")
# The cells of `bench nets` that multiply no matrix with the previous state
NETS = {**WORKLOADS, **{f"{cell}-512": {**WORKLOADS["char-512"], "cell": cell} for cell in ("sru", "qrnn", "mingru")}}
WIRES = ("float32", "bf16")
# Payload of an Ethernet frame of TCP, over the bytes of the frame and of half an acknowledgement of the other direction:
# as tc counts them, and on a wire, with preamble, gap and checksum
TC, WIRE = 1448 / (1514 + 33), 1448 / (1538 + 45)

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("what", choices=["measure", "compare", "table", "bound"])
arguments.add_argument("folder")
arguments.add_argument("words", nargs="*")
arguments.add_argument("--seconds", type=float, default=6, help="of the steps of each workload and wire")
arguments.add_argument("--gbit", type=float, default=10)
arguments.add_argument("--ranks-per-host", type=int, default=32)
arguments.add_argument("--ranks", default="")
arguments.add_argument("--goal", type=float, default=0.91)
arguments.add_argument("--dense-update", action="store_true")
args = arguments.parse_intermixed_args()
keys = [word for word in args.words if "=" in word]
words = [word for word in args.words if "=" not in word]


def call(*command):
    done = subprocess.run([str(word) for word in command], env=environment, stdout=subprocess.PIPE, text=True,
                          check=True)  # fmt: skip
    return done.stdout


def path(*parts):
    return os.path.join(args.folder, "-".join(map(str, parts)))


# ---- measure ----


def measure_messages():
    """Between two ranks through TCP, and through the memory of a host."""
    start = ["mpirun", "-n", "2", "--mca", "pml", "ob1", "--mca", "btl"]
    for name, way in (("tcp", "self,tcp"), ("memory", "self,vader")):
        text = call(*start, way, f"{tools}/message_cost")
        print(f"messages by {name}: {text.strip()}", flush=True)
        with open(path("messages", name), "w", encoding="ascii") as out:
            out.write(text)


def slowest_of(config):
    """The facts of one rank on every core at the same time; the slowest counts, as ranks wait for each other."""
    command = [f"{tools}/step_facts", config, str(args.seconds)]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
    texts = [each.communicate()[0] for each in started]
    if any(each.returncode for each in started):
        sys.exit(f"{' '.join(command)} failed")
    return max(texts, key=lambda text: seconds_alone(facts_of(text)))


def measure_net(name):
    w = NETS[name]
    corpus, lengths = make_corpus(name, w, args.folder)
    with open(path(name, "counts"), "w", encoding="ascii") as out:
        out.write(str(1 if w.get("text") else counted(lengths)))
    float32, bf16 = (
        slowest_of(write_config(w, corpus, args.folder, args.seconds, shards="ranks", wire=wire)) for wire in WIRES
    )
    found = facts_of(float32)
    # What the wire changes on one rank is how values follow the weights; the rest is the same work, measured once
    bf16 = re.sub("^values .*", f"values {facts_of(bf16)['values']:.9g}", float32.replace("wire 0", "wire 1", 1), 1, re.M)
    for wire, text in zip(WIRES, (float32, bf16)):
        with open(path(name, wire, "facts"), "w", encoding="ascii") as out:
            out.write(text)
    print(f"{name:12} {int(found['parameters']):9} parameters, {found['tokens']:6.0f} tokens; a step takes "
          f"{1e3 * seconds_alone(found):8.2f} ms (net {1e3 * found['net']:.2f}, update {1e3 * found['update']:.2f}, pack "
          f"{1e3 * found['pack']:.2f}); adding a real {1e9 * found['move']:.2f} ns", flush=True)  # fmt: skip


def facts_of(text):
    lines = (line.split() for line in text.split("blocks", 1)[0].splitlines())
    return {line[0]: float(line[1]) for line in lines}


def facts_file(name, wire):
    if not args.dense_update:
        return path(name, wire, "facts")
    with open(path(name, wire, "facts"), encoding="ascii") as file:
        text = file.read()
    with open(path(name, wire, "facts-dense"), "w", encoding="ascii") as out:
        out.write(text.replace("sparse 1", "sparse 0", 1))
    return path(name, wire, "facts-dense")


def facts(name, wire):
    with open(path(name, wire, "facts"), encoding="ascii") as file:
        return facts_of(file.read())


def seconds_alone(found, times=1):
    """A step of one rank that exchanges nothing."""
    return times * (found["batch"] + found["net"]) + sum(found[each] for each in ("sum", "update", "values", "pack"))


# ---- replay ----


def messages(way):
    with open(path("messages", way), encoding="ascii") as file:
        found = file.read().split()
    return dict(zip(found[::2], map(float, found[1::2])))


def printed(name, *command):
    """The file in which the command's output is kept."""
    kept = path(name)
    if not os.path.exists(kept):
        text = call(*command)
        with open(f"{kept}.{os.getpid()}", "w", encoding="ascii") as out:
            out.write(text)
        os.rename(f"{kept}.{os.getpid()}", kept)
    return kept


def lists_of(hosts, ranks):
    return printed(f"lists-{hosts}x{ranks}", f"{tools}/step_messages", "lists", hosts, ranks)


def replay(name, wire, hosts, ranks, times, *settings):
    """Seconds of a step, and of its parts."""
    lists = lists_of(hosts, ranks)
    shape = f"{name}-{wire}-bytes-{hosts}x{ranks}-{times}"
    # not kept: facts may be measured anew
    text = call(f"{tools}/step_messages", "bytes", facts_file(name, wire), hosts, ranks, times)
    with open(path(shape), "w", encoding="ascii") as out:
        out.write(text)
    tcp, memory = messages("tcp"), messages("memory")
    costs = [f"latency={tcp['latency_us'] * 1e-6}", f"message={tcp['message_us'] * 1e-6}", f"byte={tcp['byte_ns'] * 1e-9}",
             f"inside={memory['latency_us'] * 1e-6}", f"compute={times}",
             f"grain={2e-5 * seconds_alone(facts(name, 'float32'))}"]  # fmt: skip
    found = call(f"{tools}/replay", lists, path(shape), *costs, *settings).split()
    os.remove(path(shape))
    return dict(zip(found[::2], map(float, found[1::2])))


# ---- compare ----


def compare(file):
    with open(file, encoding="utf-8") as lines:
        title, *rows = lines.read().splitlines()
    hosts, rate = int(title.split()[0]), title.split()[2].rstrip(";")
    gbit = float(rate[:-4]) * {"gbit": 1, "mbit": 1e-3}[rate[-4:]]
    print(f"{hosts} hosts, {rate}; tokens/s\n{'net':12} {'hosts, wire':14} {'measured':>10} {'replayed':>10} {'error':>7}")
    for row in rows:
        name, way = row.split()[0], " ".join(row.split()[1:3]) if "one host" in row else row.split()[1]
        measured = float(row.split("(")[0].split()[-1])
        with open(path(name, "counts"), encoding="ascii") as counts:
            counts = float(counts.read())
        n, wire = (1, "float32") if way == "one host" else (hosts, way)
        step = replay(name, wire, n, 1, 1, f"gbit={gbit}", f"headers={TC}", "leaf=0", *keys)["step"]
        foreseen = n * facts(name, wire)["tokens"] * counts / step
        print(f"{name:12} {f'{n}, {wire}':14} {measured:10.0f} {foreseen:10.0f} {foreseen / measured - 1:+7.1%}", flush=True)


# ---- tables ----


def shape_of(ranks):
    """Hosts, and ranks of each."""
    most = args.ranks_per_host
    if ranks > most and ranks % most:
        sys.exit(f"{ranks} ranks: not a multiple of {most} (--ranks-per-host)")
    return (ranks // most, most) if ranks > most else (1, ranks)


def efficiency(name, wire, ranks, times=1):
    """Over ranks of the float32 wire that exchange nothing; and the replay."""
    found = replay(name, wire, *shape_of(ranks), times, f"gbit={args.gbit}", f"headers={WIRE}", *keys)
    return seconds_alone(facts(name, "float32"), times) / found["step"], found


def table(names):
    ranks = [int(each) for each in (args.ranks or "2,4,8,16,32,64,128,256,512,1024,1216,2048").split(",")]
    print(f"{args.gbit:g} Gb/s, {args.ranks_per_host} ranks on a host")
    print(f"{'net':12} {'wire':8}" + "".join(f"{each:>6}" for each in ranks))
    jobs = [(name, wire, each) for name in names for wire in WIRES for each in ranks]
    # the largest first, so that no core ends with them alone
    order = sorted(jobs, key=lambda job: -job[2])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda shape: lists_of(*shape), {shape_of(each) for each in ranks}))
        found = dict(zip(order, pool.map(lambda job: efficiency(*job)[0], order)))
    for name in names:
        for wire in WIRES:
            print(f"{name:12} {wire:8}" + "".join(f"{found[name, wire, each]:6.2f}" for each in ranks))


def traffic(name, wire, hosts, ranks):
    """Bytes that the link of a host takes in one direction, gradients and values: mean of the hosts, and the most."""
    lines = call(f"{tools}/step_messages", "bytes", facts_file(name, wire), hosts, ranks, 1).splitlines()
    buckets = int(lines[2].split()[5])
    rows = [[int(each) for each in line.split()[2:]] for line in lines[3:]]
    mean = most = 0
    for part in (slice(0, buckets), slice(buckets, None)):
        owned = [sum(sum(row[part]) for row in rows[h * ranks : (h + 1) * ranks]) for h in range(hosts)]
        mean += sum(owned) * (hosts - 1) / hosts
        most += max(max(own * (hosts - 1), sum(owned) - own) for own in owned)
    return mean, most


def bound_of(name, wire, ranks):
    hosts, each = shape_of(ranks)
    alone = seconds_alone(facts(name, "float32"))
    reached, found = efficiency(name, wire, ranks)
    of_host = reached / efficiency(name, wire, each)[0]
    mean, most = traffic(name, wire, hosts, each)
    link = mean / (args.gbit * 1e9 / 8 * WIRE)
    times, larger = 1, reached
    while larger < args.goal and times < 64:
        times *= 2
        larger = efficiency(name, wire, ranks, times)[0]
    needed = "" if times == 1 else f"{times}x: {larger:.2f}" if larger >= args.goal else f"over {times}x"
    milliseconds = "".join(f"{1e3 * found[part]:9.2f}" for part in ("control", "sum", "squares", "values", "step"))
    return (f"{name:12} {wire:8}{1e3 * alone:8.1f}{mean / 1e6:8.1f}{most / 1e6:8.1f}{1e3 * link:8.1f}{alone / (alone + link):8.2f}"
            f"{milliseconds}{of_host:8.2f}{reached:8.2f}  {needed}")  # fmt: skip


def bound(names):
    ranks = int(args.ranks or 1216)
    print(f"{args.gbit:g} Gb/s, {ranks} ranks, {args.ranks_per_host} on a host; times in ms")
    print(f"{'net':12} {'wire':8}{'alone':>8}{'MB':>8}{'most':>8}{'link':>8}{'bound':>8}{'control':>9}{'sum':>9}{'squares':>9}"
          f"{'values':>9}{'step':>9}{'of host':>8}{'of rank':>8}  batch")  # fmt: skip
    lists_of(*shape_of(ranks))
    lists_of(1, args.ranks_per_host)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for line in pool.map(lambda job: bound_of(*job, ranks), [(name, wire) for name in names for wire in WIRES]):
            print(line, flush=True)


start = time.monotonic()
if args.what == "measure":
    os.makedirs(args.folder, exist_ok=True)
    measure_messages()
    for each_name in words or NETS:
        measure_net(each_name)
elif args.what == "compare":
    compare(words[0])
elif args.what == "table":
    table(words or list(NETS))
else:
    bound(words or list(NETS))
print(f"({time.monotonic() - start:.0f} s)", file=sys.stderr)
