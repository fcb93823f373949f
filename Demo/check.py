"""Checks a recovered image byte for byte: it is the base image and a prefix of the acknowledged order of writes.

Every block of the image must be the base's or that of one logged write, whole. That says of each write whether it is in
the image or not. The image is right when no write is in it partly, and when no write that is missing was acknowledged
before the submission of one that is in. Writes that were in flight together at the cut may be in or not.
"""

import argparse
import json
import mmap
import sys
from datetime import datetime

import model


class Mismatch(Exception):
    """The image is not what it has to be; the text says where and why."""


def observe(disk, base, image, writes):
    """Which writes of a disk are in its image and which are not; `base` becomes the image that these writes make."""
    present, missing = set(), set()
    settled, open_blocks = set(), set()
    for write in sorted((w for w in writes.values() if w.disk == disk), key=lambda w: -w.number):
        blocks = [b for b in write.blocks() if b not in settled]
        data = write.content() if blocks else b""
        for block in blocks:
            at = block * model.BLOCK
            inner = at - write.offset
            if data[inner:inner + model.BLOCK] == image[at:at + model.BLOCK]:
                present.add(write.number)
                settled.add(block)
                open_blocks.discard(block)
                base[at:at + model.BLOCK] = data[inner:inner + model.BLOCK]
            else:
                missing.add(write.number)
                open_blocks.add(block)
    for at in (block * model.BLOCK for block in open_blocks):
        if base[at:at + model.BLOCK] != image[at:at + model.BLOCK]:
            raise Mismatch(f"disk {disk}: the block at {at} matches neither the base nor a write")
    return present, missing


def compare(disk, expected, image):
    """Byte for byte, the first difference named."""
    step = 1 << 20
    for at in range(0, len(image), step):
        if expected[at:at + step] != image[at:at + step]:
            where = next(i for i in range(at, at + step) if expected[i] != image[i])
            raise Mismatch(
                f"disk {disk}: byte {where} is {image[where]:#04x}, not {expected[where]:#04x}, and no write was there")


def prefix(writes, present, missing):
    """The last number up to which all is there, and the writes beyond it that are there too."""
    torn = present & missing
    if torn:
        raise Mismatch(f"write {min(torn)} is only partly in the image")
    gone = [writes[n] for n in missing if writes[n].acked is not None]
    if gone:
        first_gone = min(gone, key=lambda w: w.acked)
        late = [n for n in present if writes[n].submitted > first_gone.acked]
        if late:
            raise Mismatch(
                f"write {min(late)} is in the image, but write {first_gone.number}, "
                "acknowledged before it was submitted, is not")
    last = min(missing) - 1 if missing else max(writes, default=0)
    return last, sorted(n for n in present if n > last)


def loss(writes, missing, point_time, rpo):
    """The lost acknowledged writes and the time they span; each must be newer than what was reported."""
    lost = sorted((writes[n] for n in missing if writes[n].acked is not None), key=lambda w: w.acked_at)
    if not lost:
        return 0, 0.0
    last = max(w.acked_at for w in writes.values() if w.acked is not None)
    span = last - lost[0].acked_at
    if point_time is not None and lost[0].acked_at < point_time:
        raise Mismatch(
            f"write {lost[0].number} is lost, but was acknowledged {point_time - lost[0].acked_at:.3f} s "
            "before the time of the point")
    if rpo is not None and span > rpo:
        raise Mismatch(f"writes of {span:.3f} s are lost, more than the reported RPO of {rpo:.3f} s")
    return len(lost), span


def seconds(text):
    """An instant as JSON has it, in seconds of the writer's clock."""
    return datetime.fromisoformat(text).timestamp()


def check(pairs, writes, exactly=None, point_time=None, rpo=None):
    """Checks (base, image) pairs of paths, in the order of the disks; returns the findings."""
    present, missing = set(), set()
    for disk, (base_path, image_path) in enumerate(pairs):
        with open(base_path, "rb") as base_file, open(image_path, "rb") as image_file:
            # A private copy of the base: what is written to it stays in memory.
            with (mmap.mmap(base_file.fileno(), 0, access=mmap.ACCESS_COPY) as expected,
                  mmap.mmap(image_file.fileno(), 0, access=mmap.ACCESS_READ) as image):
                if len(expected) != len(image):
                    raise Mismatch(f"disk {disk}: the image has {len(image)} bytes, not {len(expected)}")
                found = observe(disk, expected, image, writes)
                compare(disk, expected, image)
        present |= found[0]
        missing |= found[1]
    last, beyond = prefix(writes, present, missing)
    if exactly is not None and ((missing and min(missing) <= exactly) or (present and max(present) > exactly)):
        raise Mismatch(f"the image holds writes 1 to {last} and {beyond}, not exactly 1 to {exactly}")
    lost, span = loss(writes, missing if exactly is None else set(), point_time, rpo)
    acked = sum(1 for w in writes.values() if w.acked is not None)
    return {"last": last, "beyond": len(beyond), "acknowledged": acked, "lost": lost, "lostSeconds": round(span, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", required=True, help="the writer's log")
    parser.add_argument("--disk", nargs=2, action="append", required=True, metavar=("BASE", "IMAGE"))
    parser.add_argument("--exactly", type=int, help="exactly the writes 1 to this one")
    parser.add_argument("--point-time", help="the reported time of the recovery point")
    parser.add_argument("--rpo", type=float, help="the reported RPO in seconds")
    options = parser.parse_args()
    time = seconds(options.point_time) if options.point_time else None
    try:
        print(json.dumps(check(options.disk, model.read_log(options.log), options.exactly, time, options.rpo)))
    except Mismatch as mismatch:
        print(f"check: {mismatch}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
