"""The write stream as its writer saw it: what each numbered write held, when it was submitted, when acknowledged.

The log is one line for each thing that happened, in order:
    S number disk offset length source time     about to be submitted; source is `seed:N`, or `file:PATH`
    A number time                               acknowledged
    E number errno                              refused, or the connection was lost before a reply
Order in the log is all that is known of time between writes: A before S means acknowledged before submitted.
"""

import random
import struct
from dataclasses import dataclass

BLOCK = 4096
MARK = b"drdemo01"


def content(source, number, offset, length):
    """The bytes of a write; the same for the writer and, later and independently, for the checker."""
    kind, value = source.split(":", 1)
    if kind == "file":
        with open(value, "rb") as file:
            file.seek(offset)
            return file.read(length)
    data = bytearray(random.Random(int(value) << 40 | number).randbytes(length))
    for at in range(0, length, BLOCK):
        struct.pack_into("<8sQQQ", data, at, MARK, int(value), number, at)
    return bytes(data)


@dataclass
class Write:
    """One numbered write; `submitted` and `acked` are positions in the log, `acked` is None when no reply came."""

    number: int
    disk: int
    offset: int
    length: int
    source: str
    submitted: int
    submitted_at: float
    acked: int | None = None
    acked_at: float | None = None

    def blocks(self):
        """The blocks it covers."""
        return range(self.offset // BLOCK, (self.offset + self.length) // BLOCK)

    def content(self):
        """Its bytes."""
        return content(self.source, self.number, self.offset, self.length)


def read_log(path):
    """The writes of a log by number; a line that is not complete is what a killed writer left, and ends it."""
    writes = {}
    with open(path, encoding="ascii") as file:
        for position, line in enumerate(file):
            if not line.endswith("\n"):
                break
            kind, *fields = line.split()
            number = int(fields[0])
            if kind == "S":
                disk, offset, length = map(int, fields[1:4])
                writes[number] = Write(number, disk, offset, length, fields[4], position, float(fields[5]))
            elif kind == "A":
                writes[number].acked = position
                writes[number].acked_at = float(fields[1])
    return writes
