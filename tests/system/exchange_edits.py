#!/usr/bin/env python3
"""Edit a safetensors or ONNX file in many ways and let `lockstep import` read each.

    exchange_edits.py PROGRAM FILE COUNT [SEED]

Flipped bytes, files cut and extended, and invented ones: of safetensors, headers in which values, shapes, offsets, types
and metadata are others; of ONNX, messages whose fields are changed, removed, doubled, or of another size. Each import must
end with 0, or with 65 and one line, within five seconds of processor time and 1 GiB of address space, which the system
enforces (not in a build with a sanitizer). Prints how many were accepted and refused, and the most that one took; ends
with code 1 after the first that was neither, which it keeps."""
import concurrent.futures
import copy
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile

program, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
good = open(path, "rb").read()
ending = os.path.splitext(path)[1]
size = 200  # bytes at the front that are worth more edits
if ending == ".safetensors":
    (size,) = struct.unpack("<Q", good[:8])
    header = json.loads(good[8 : 8 + size])
WILD = [0, 1, -1, 2, 3, 7, 2**31, 2**32 + 1, 2**62, 2**63 - 1, 10**30, 0.5, True, None, "", "x", "\u0000", [], {}, [[]], ["a"] * 9]


def flip(r):
    data = bytearray(good)
    for _ in range(r.randint(1, 8)):
        at = r.choice([r.randrange(16), r.randrange(len(data)), 8 + r.randrange(size)])
        data[at] = r.choice([data[at] ^ (1 << r.randrange(8)), r.randrange(256), 0, 255])
    return bytes(data)


def cut(r):
    return good[: r.choice([r.randrange(12), r.randrange(len(good)), len(good) - r.randint(1, 9)])]


def extend(r):
    return good + bytes(r.choice([1, 3, 8, 5000]))


def resize(r):
    return struct.pack("<Q", r.choice([0, 1, size - 1, size + 1, len(good), 2**31, 2**63, 2**64 - 1])) + good[8:]


def containers(value, found):
    """All objects and lists inside."""
    if isinstance(value, (dict, list)):
        found.append(value)
        for inner in value.values() if isinstance(value, dict) else value:
            containers(inner, found)
    return found


def change(r, value):
    """Replace, remove or double a value somewhere inside."""
    inside = r.choice([c for c in containers(value, []) if c] or [None])
    if inside is None:
        return
    key = r.choice(list(inside)) if isinstance(inside, dict) else r.randrange(len(inside))
    kind = r.randrange(4)
    if kind == 0:
        inside[key] = copy.deepcopy(r.choice(WILD))
    elif kind == 1:
        del inside[key]
    elif kind == 2 and isinstance(inside[key], (int, float)):
        inside[key] += r.choice([-1, 1, 4, 2**32])
    elif isinstance(inside, dict):
        inside[str(key) + "2"] = inside[key]
    else:
        inside.insert(key, inside[key])


def invent(r):
    """Another header: of the tensors, or inside a text of the metadata that is JSON."""
    made = copy.deepcopy(header)
    about = made["__metadata__"]
    texts = [key for key in about if about[key][:1] in "[{"]
    for _ in range(r.randint(1, 3)):
        if r.random() < 0.5 or not isinstance(made.get("__metadata__"), dict):
            change(r, made)
            continue
        key = r.choice(texts)
        try:
            inner = json.loads(about[key])
            change(r, inner)
            about[key] = json.dumps(inner)
        except (KeyError, TypeError, ValueError):
            change(r, made)
    text = json.dumps(made).encode("utf-8", "replace")
    return struct.pack("<Q", len(text)) + text + good[8 + size :]


def settings(r):
    """Other values of settings in the configuration."""
    made = copy.deepcopy(header)
    lines = made["__metadata__"]["config"].split("\n")
    for _ in range(r.randint(1, 3)):
        at = r.randrange(len(lines))
        name = lines[at].split(":")[0]
        lines[at] = r.choice([name + ": " + r.choice(["0", "1", "65536", "-3", "true", "lstm", "crf", "[", "''"]), lines[r.randrange(len(lines))], ""])
    made["__metadata__"]["config"] = "\n".join(lines)
    text = json.dumps(made).encode()
    return struct.pack("<Q", len(text)) + text + good[8 + size :]


# Messages of Protocol Buffers as lists of [field, wire type, value]: a value is a number, bytes, or a list again where the
# bytes are a message by themselves.


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError


def fields(data, depth=0):
    found, at = [], 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0 or wire not in (0, 1, 2, 5):
            raise ValueError
        if wire == 0:
            value, at = varint(data, at)
        else:
            length = {1: 8, 5: 4}.get(wire)
            if wire == 2:
                length, at = varint(data, at)
            if at + length > len(data):
                raise ValueError
            value, at = data[at : at + length], at + length
        if wire == 2 and depth < 5 and 1 < len(value) < 100000:
            try:
                value = fields(value, depth + 1)
            except (ValueError, IndexError):
                pass
        found.append([number, wire, value])
    return found


def number_bytes(value):
    out = b""
    while True:
        out += bytes([value & 127 | (128 if value > 127 else 0)])
        value >>= 7
        if value == 0:
            return out


def message(entries):
    out = b""
    for number, wire, value in entries:
        if isinstance(value, list):
            value = message(value)
        out += number_bytes(number << 3 | wire)
        out += number_bytes(value) if wire == 0 else (number_bytes(len(value)) if wire == 2 else b"") + value
    return out


def lists_of(entries, found):
    found.append(entries)
    for entry in entries:
        if isinstance(entry[2], list):
            lists_of(entry[2], found)
    return found


def change_field(r, entries):
    where = r.choice([inner for inner in lists_of(entries, []) if inner])
    at = r.randrange(len(where))
    entry, kind = where[at], r.randrange(6)
    if kind == 0:
        del where[at]
    elif kind == 1:
        where.insert(r.randrange(len(where) + 1), copy.deepcopy(entry))
    elif kind == 2:
        entry[0] = r.choice([1, 2, 3, 4, 5, 7, 8, 14, 20, entry[0] + 1, 2**28])
    elif isinstance(entry[2], int):
        entry[2] = r.choice([0, 1, 2, 7, 11, entry[2] + 1, entry[2] * 2, 2**31, 2**32 + 1, 2**62, 2**63, 2**64 - 1])
    elif isinstance(entry[2], bytes):
        data = bytearray(entry[2])
        if data and kind > 3:
            data[r.randrange(len(data))] = r.randrange(256)
        entry[2] = bytes(data) if kind > 3 or entry[1] != 2 else r.choice([b"", bytes(data)[:-1], bytes(data) * 2, b"x" * 5000])
    else:
        entry[2] = message(entry[2])[: r.randrange(40)]


def fields_edited(r):
    entries = copy.deepcopy(graph)
    for _ in range(r.randint(1, 3)):
        change_field(r, entries)
    return message(entries)


EDITS = [flip, flip, cut, extend, resize, invent, invent, invent, invent, settings, settings]
if ending == ".onnx":
    graph = fields(good)
    assert message(graph) == good
    EDITS = [flip, flip, cut, extend] + 7 * [fields_edited]
sanitized = "LOCKSTEP_SANITIZE" in os.environ


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (5, 6))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def one(number):
    r = random.Random(seed * 1000003 + number)
    edit = r.choice(EDITS)
    data = edit(r)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        name, out = os.path.join(folder, "edited" + ending), os.path.join(folder, "out.h5")
        with open(name, "wb") as file:
            file.write(data)
        done = subprocess.run([program, "import", name, "-o", out], capture_output=True, preexec_fn=None if sanitized else limit)
        lines = done.stderr.decode("utf-8", "replace").count("\n")
        good_end = done.returncode == 0 and os.path.exists(out)
        refused = done.returncode == 65 and lines == 1 and not os.path.exists(out)
        return number, edit.__name__, "accepted" if good_end else "refused" if refused else done, data


ends = {}
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for number, edit, end, data in pool.map(one, range(count)):
        if end not in ("accepted", "refused"):
            with open("failed" + ending, "wb") as file:
                file.write(data)
            print(f"edit {number} ({edit}): {end}; kept as failed{ending}")
            os._exit(1)
        ends[end, edit] = ends.get((end, edit), 0) + 1
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
for end in "accepted", "refused":
    kinds = {edit: n for (e, edit), n in sorted(ends.items()) if e == end}
    print(f"{ending[1:]}: {sum(kinds.values())} of {count} edits {end}:", ", ".join(f"{k} {n}" for k, n in kinds.items()))
seconds = (usage.ru_utime + usage.ru_stime) / max(count, 1)
print(f"{seconds:.3f} s of processor time each; at most {usage.ru_maxrss >> 10} MiB resident")
sys.exit(usage.ru_maxrss >> 10 >= 1024 and not sanitized)
