#!/usr/bin/python3
"""torch_ddp.py WORKLOAD [--ranks N] [--threads N] [--seconds S] [--core NAME] [--bf16] [--lengths FILE]
             [--rank K --address HOST:PORT] [--batch N]

One workload of side_by_side.py trained by PyTorch: nn.LSTM or nn.GRU, DistributedDataParallel over gloo, packed
sequences where lengths vary. Prints real tokens per second of all ranks, of a translator target tokens: the median
over windows, after a warm-up.
A step is what Lockstep's is: zero the gradient, forward, loss, backward with its all-reduce, clipping, the optimizer.
"""
import argparse
import contextlib
import os
import socket
import statistics
import time

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("workload")
arguments.add_argument("--ranks", type=int, default=2)
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--seconds", type=float, default=8)
arguments.add_argument("--sparse", action="store_true", help="gradients of embeddings by rows; Adam cannot take them")
arguments.add_argument("--lengths", help="where they vary: a file of sequence lengths, one a line, of pairs two;"
                       " of workloads that read characters the sentences themselves")
arguments.add_argument("--core", help="kernels of OpenBLAS, a name for OPENBLAS_CORETYPE; else those of the CPU it detects")
arguments.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
arguments.add_argument("--rank", type=int, help="be this one of the ranks, the others being started elsewhere")
arguments.add_argument("--address", help="of rank 0, for --rank: HOST:PORT")
arguments.add_argument("--batch", type=int, help="sequences of a batch of all ranks (default: the workload's)")
args = arguments.parse_args()
# OpenBLAS and OpenMP read these when they are loaded
os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ.pop("OPENBLAS_L2_SIZE", None)
if args.core:
    os.environ["OPENBLAS_CORETYPE"] = args.core
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
import torch.nn as nn  # noqa: E402
from torch.nn.utils.rnn import pack_sequence  # noqa: E402

import torch_tagger  # noqa: E402
from torch_translator import Translator, pairs  # noqa: E402
from workloads import WORKLOADS  # noqa: E402


class Net(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.w = w
        self.embedding = nn.Embedding(w["vocabulary"], w["embedding"], sparse=args.sparse)
        kind = nn.LSTM if w["cell"] == "lstm" else nn.GRU
        self.rnn = kind(w["embedding"], w["hidden"], w["layers"], bidirectional=w["directions"] == 2)
        self.output = nn.Linear(w["hidden"] * w["directions"], w["outputs"])

    def forward(self, x, states):
        if self.w["task"] == "lm":  # x [T, B]
            y, states = self.rnn(self.embedding(x), states)
            return self.output(y.reshape(-1, y.shape[2])), states
        # x: packed ids, whose embedding is packed alike
        packed = x._replace(data=self.embedding(x.data))
        y, states = self.rnn(packed)
        if self.w["task"] == "label":
            return self.output(y.data), None
        return self.output(states[0]), None  # the last state of one direction, in the order the batch was given


def batches(w, rank, ranks, lengths):
    """Batches of this rank: (input, target, tokens). Batches of sequences of similar length, as Lockstep's plan."""
    g = torch.Generator().manual_seed(1)
    if w["task"] == "lm":
        mine = w["batch"] * (rank + 1) // ranks - w["batch"] * rank // ranks
        ids = torch.randint(0, w["vocabulary"], (w["batch"], w["steps"] * w["unroll"] + 1), generator=g)
        ids = ids[rank * mine : (rank + 1) * mine].t().contiguous()
        for t in range(0, w["steps"] * w["unroll"], w["unroll"]):
            yield ids[t : t + w["unroll"]], ids[t + 1 : t + w["unroll"] + 1].reshape(-1), mine * w["unroll"]
        return
    if w.get("text"):
        yield from torch_tagger.batches(w, rank, ranks, lengths, g)
        return
    lengths = [tuple(map(int, line.split())) for line in open(lengths)]
    if w["task"] == "translate":
        yield from pairs(w, rank, ranks, lengths, g)
        return
    lengths = [n for (n,) in lengths]
    order = sorted(lengths)
    steps = [order[i : i + w["batch"]] for i in range(0, len(order) - w["batch"] + 1, w["batch"])]
    for s in torch.randperm(len(steps), generator=g).tolist():
        own = sorted(steps[s][rank::ranks], reverse=True)
        x = pack_sequence([torch.randint(0, w["vocabulary"], (n,), generator=g) for n in own])
        count = sum(own) if w["task"] == "label" else len(own)
        yield x, torch.randint(0, w["outputs"], (count,), generator=g), sum(own)


def run(rank, address):
    w = dict(WORKLOADS[args.workload])
    w["batch"] = args.batch or w["batch"]
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    dist.init_process_group("gloo", init_method=f"tcp://{address}", rank=rank, world_size=args.ranks)
    if w.get("text"):
        w = torch_tagger.sized(w, args.lengths)
    net = torch_tagger.CrfTagger(w) if w.get("text") else Translator(w) if w["task"] == "translate" else Net(w)
    parallel = nn.parallel.DistributedDataParallel(net, gradient_as_bucket_view=True) if args.ranks > 1 else net
    rule = torch.optim.SGD if w["optimizer"] == "sgd" else torch.optim.Adam
    optimizer = rule(net.parameters(), lr=w["rate"])
    loss_of = nn.CrossEntropyLoss() if not w.get("text") else lambda loss, _: loss
    data = list(batches(w, rank, args.ranks, args.lengths))
    states, done, rates = None, 0, []
    numbers = torch.autocast("cpu", dtype=torch.bfloat16) if args.bf16 else contextlib.nullcontext()

    def step(x, target):
        nonlocal states
        optimizer.zero_grad(set_to_none=True)
        if states is not None:
            states = tuple(s.detach() for s in states)
        with numbers:
            logits, states = parallel(x, states)
            loss = loss_of(logits.float(), target)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), w["clip"])
        optimizer.step()

    def window(seconds):
        nonlocal done
        start, tokens, more = time.perf_counter(), 0, torch.ones(1)
        while more.item():
            for _ in range(4):  # ranks agree on the end now and then only
                x, target, n = data[done % len(data)]
                step(x, target)
                done += 1
                tokens += n
            more[0] = time.perf_counter() - start < seconds
            dist.broadcast(more, 0)
        count = torch.tensor([float(tokens)])
        spent = time.perf_counter() - start
        dist.all_reduce(count)
        return count.item() / spent

    window(args.seconds / 5)
    for _ in range(5):
        rates.append(window(args.seconds / 5))
    dist.barrier()
    if rank == 0:
        print(f"{statistics.median(rates):.1f}", flush=True)
    if args.ranks > 1:
        os._exit(0)  # gloo's threads were seen to hang while the group was taken down


if __name__ == "__main__":
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{s.getsockname()[1]}"
    if args.rank is not None:
        run(args.rank, args.address)
    elif args.ranks == 1:
        run(0, here)
    else:
        torch.multiprocessing.spawn(run, (here,), args.ranks)
