"""Makes the demo's disks from files of this machine, and reads files back out of disk images; nothing is mounted."""

import filecmp
import os
import random
import shutil
import subprocess

import model

PLACES = ["/etc", "/usr/bin", "/usr/lib", "/usr/share"]
STREAM = "stream.bin"  # a file of its own for the numbered writes, so that the file system around it stays whole
STREAM_BYTES = 24 << 20
SMALL, LARGE = 300, 4 << 20  # so many files below 16 KiB at most, and none above 4 MiB


class DiskError(Exception):
    """A tool said that a disk is not as it must be."""


def tool(*arguments):
    """Runs a tool; what it printed when it failed is the error."""
    done = subprocess.run(arguments, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-600:]
        raise DiskError(f"{' '.join(arguments[:3])} failed with {done.returncode}: {said}")
    return done.stdout


def gather(folder, limit, share):
    """Copies about `limit` bytes of this machine's files into a folder; `share` is (index, of how many) lots."""
    taken = files = seen = small = 0
    for place in PLACES:
        for path, folders, names in os.walk(place):
            folders.sort()
            for name in sorted(names):
                source = os.path.join(path, name)
                seen += 1
                if seen % share[1] != share[0] or os.path.islink(source) or not os.path.isfile(source):
                    continue
                size = os.path.getsize(source)
                if not os.access(source, os.R_OK) or size > LARGE or size < 16 << 10 and small >= SMALL:
                    continue
                target = folder + source
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(source, target)
                small += size < 16 << 10
                taken += size
                files += 1
                if taken >= limit:
                    return files, taken
    return files, taken


def make(image, folder, size, seed):
    """An ext4 image with the files of a folder and the file for the stream."""
    with open(f"{folder}/{STREAM}", "wb") as file:
        file.write(random.Random(seed).randbytes(STREAM_BYTES))
    tool("mke2fs", "-q", "-t", "ext4", "-b", str(model.BLOCK), "-m", "0", "-d", folder, image, str(size >> 10) + "k")
    os.remove(f"{folder}/{STREAM}")


def stream_ranges(image):
    """Where the stream's file is on the disk: (start, length) in bytes."""
    blocks = list(map(int, tool("debugfs", "-R", f"blocks /{STREAM}", image).split()))
    ranges = []
    for block in blocks:
        if ranges and ranges[-1][0] + ranges[-1][1] == block * model.BLOCK:
            ranges[-1][1] += model.BLOCK
        else:
            ranges.append([block * model.BLOCK, model.BLOCK])
    if len(blocks) * model.BLOCK != STREAM_BYTES:
        raise DiskError(f"{image}: the stream's file has {len(blocks)} blocks")
    return ranges


def change(image, files, changes):
    """Puts files, by name, into the root of an image; the blocks that this changed go to a sparse image."""
    before = f"{changes}.before"
    tool("cp", "--sparse=always", image, before)
    for name, source in files.items():
        tool("debugfs", "-w", "-R", f"write {source} {name}", image)
    step = 1 << 20
    with (open(before, "rb") as old, open(image, "rb") as new, open(changes, "wb") as out,
          open(f"{changes}.blocks", "w", encoding="ascii") as listed):
        for start in range(0, os.path.getsize(image), step):
            was, now = old.read(step), new.read(step)
            for at in range(0, step if was != now else 0, model.BLOCK):
                if was[at:at + model.BLOCK] != now[at:at + model.BLOCK]:
                    out.seek(start + at)
                    out.write(now[at:at + model.BLOCK])
                    listed.write(f"{(start + at) // model.BLOCK}\n")
    os.remove(before)


def check_files(image, folder, scratch):
    """The file system is whole, and its files are those of the folder, none more, none less, byte for byte."""
    tool("e2fsck", "-fn", image)
    os.makedirs(scratch)
    tool("debugfs", "-R", f"rdump / {scratch}", image)
    os.remove(f"{scratch}/{STREAM}")
    os.rmdir(f"{scratch}/lost+found")
    count = compare(folder, scratch)
    shutil.rmtree(scratch)
    return count


def compare(expected, found):
    """Compares two folders; returns the number of files."""
    wanted, there = listing(expected), listing(found)
    if wanted != there:
        raise DiskError(f"unexpected files: missing {sorted(wanted - there)[:3]}, "
                        f"additional {sorted(there - wanted)[:3]}")
    for name in wanted:
        if not filecmp.cmp(f"{expected}/{name}", f"{found}/{name}", shallow=False):
            raise DiskError(f"the file {name} differs")
    return len(wanted)


def listing(folder):
    """All files below a folder."""
    return {os.path.relpath(os.path.join(path, name), folder) for path, _, names in os.walk(folder) for name in names}
