"""read_events.py FOLDER METRICS

Read the event files in FOLDER as TensorBoard does, by the definitions of the formats alone (TFRecord, CRC-32C, Protocol
Buffers), and compare what it would plot with metrics.jsonl. Prints a line for each file: at which step it starts, and
how many events it has.
"""
import json
import math
import os
import struct
import sys


def crc32c(data):
    """The remainder of a polynomial division, one bit after the other (RFC 3720: lowest bit first, complemented)."""
    divisor = 0x11EDC6F41
    value = int.from_bytes(bytes(int(f"{byte:08b}"[::-1], 2) for byte in data), "big") << 32
    size = 8 * len(data)
    value ^= 0xFFFFFFFF << size
    for bit in range(size + 31, 31, -1):
        if value >> bit & 1:
            value ^= divisor << (bit - 32)
    return int(f"{value ^ 0xFFFFFFFF:032b}"[::-1], 2)


assert crc32c(bytes(32)) == 0x8A9136AA and crc32c(b"123456789") == 0xE3069283


def check(data, stored):
    crc = crc32c(data)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked == struct.unpack("<I", stored)[0], "a checksum is wrong"


def records(path):
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        check(data[at : at + 8], data[at + 8 : at + 12])
        body = data[at + 12 : at + 12 + size]
        check(body, data[at + 12 + size : at + 16 + size])
        yield body
        at += 16 + size
    assert at == len(data), f"{path} ends within a record"


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def fields(data):
    """Field number and value: a number, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
            assert len(value) == size
        else:
            form = {1: "<d", 5: "<f"}[kind]
            value = struct.unpack_from(form, data, at)[0]
            at += struct.calcsize(form)
        yield key >> 3, value


def plotted(folder):
    """{(tag, step): value} after all files were read in the order of their names."""
    points = {}
    before = 0.0
    for name in sorted(name for name in os.listdir(folder) if "tfevents" in name):
        start, count = None, 0
        for i, record in enumerate(records(os.path.join(folder, name))):
            event = dict(fields(record))
            step = event.get(2, 0)
            assert event[1] >= before > -1, "time goes back"
            before = event[1]
            if i == 0:
                assert event[3] == b"brain.Event:2" and step == 0, "the first record states no version"
            elif 7 in event:
                assert i == 1 and dict(fields(event[7])) == {1: 1}, "a session log that is no start"
                start = step
                points = {key: value for key, value in points.items() if key[1] < step}
            else:
                count += 1
                for number, value in fields(event[5]):
                    value = dict(fields(value))
                    assert number == 1 and set(value) == {1, 2}
                    key = value[1].decode(), step
                    assert key not in points, f"{key} twice"
                    points[key] = value[2]
        print(f"a file starts at step {start}: {count} events")
    return points


def logged(path):
    """The same of the lines of metrics.jsonl."""
    points = {}
    with open(path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            kind, step = line.pop("kind"), line.pop("step")
            step = line.pop("run_step", step)
            for name in ("epoch", "tokens", "seconds", "averaged_since"):
                line.pop(name, None)
            speed = line.pop("tokens_per_second", None)
            if kind == "train":
                points["training/rate", step] = line.pop("rate")
                points["training/gradient_norm", step] = line.pop("norm")
                if speed is not None:
                    points["training/tokens_per_second", step] = speed
            points.update({(f"{name}/{kind}", step): value for name, value in line.items()})
    return points


def same(a, b):
    if b is None:
        return not math.isfinite(a)
    return abs(a - b) <= 1e-6 * abs(b)


drawn, wanted = plotted(sys.argv[1]), logged(sys.argv[2])
assert wanted, "nothing was logged"
assert drawn.keys() == wanted.keys(), sorted(drawn.keys() ^ wanted.keys())
wrong = [key for key in wanted if not same(drawn[key], wanted[key])]
assert not wrong, [(key, drawn[key], wanted[key]) for key in wrong]
print(len(wanted), "points of", len({tag for tag, step in wanted}), "curves")
