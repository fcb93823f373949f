"""Writes numbered writes through NBD, several in flight, and keeps a log of them (see model.py).

It ends when COUNT writes are acknowledged, at SIGTERM (it drains first), or when the connection is lost.
Exit codes: 0 done, 3 connection lost, 4 a write was refused.
"""

import argparse
import errno
import os
import random
import select
import signal
import sys
import time

import nbd

import model

PATIENCE = 30.0  # seconds without any reply, after which a connection counts as lost

# What libnbd returns for a dead connection.
LOST = (errno.ENOTCONN, errno.ESHUTDOWN, errno.ECONNRESET, errno.EPIPE)


class Writer:
    """One session of writes over all disks; each disk may have several connections."""

    def __init__(self, options):
        self.options = options
        self.log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.handles = []
        for uri in options.uri:
            self.handles.append([nbd.NBD() for _ in range(options.connections)])
            for handle in self.handles[-1]:
                handle.connect_uri(uri)
        self.in_flight = {}
        self.acked = 0
        self.lost = False
        self.refused = 0
        self.stop = False
        self.answered_at = time.monotonic()

    def note(self, *fields):
        """One line in the log, by one system call, before anything that follows from it."""
        os.write(self.log, (" ".join(map(str, fields)) + "\n").encode())

    def submit(self, number, write):
        """Sends one write."""
        disk, offset, length, source = write
        data = model.content(source, number, offset, length)
        self.note("S", number, disk, offset, length, source, f"{time.time():.6f}")
        buffer = nbd.Buffer.from_bytearray(bytearray(data))
        self.in_flight[number] = (write, buffer)
        handle = self.handles[disk][number % len(self.handles[disk])]
        try:
            handle.aio_pwrite(buffer, offset, lambda error: self.done(number, error))
        except nbd.Error:
            self.lost = True

    def done(self, number, error):
        """The reply to a write; 1 means that it was handled."""
        error = getattr(error, "value", error)
        self.answered_at = time.monotonic()
        if error == 0:
            self.note("A", number, f"{time.time():.6f}")
            self.acked += 1
            del self.in_flight[number]
        else:
            self.note("E", number, error)
            if error in LOST:
                self.lost = True
            else:
                self.refused = self.refused or error
        return 1

    def busy(self, write):
        """Whether a write in flight touches the same blocks: then their order would be anybody's."""
        disk, offset, length, _ = write
        return any(d == disk and offset < o + n and o < offset + length for (d, o, n, _), _ in self.in_flight.values())

    def turn(self, timeout):
        """Waits for the connections and lets them move."""
        poller = select.poll()
        by_fd = {}
        for handle in (h for disk in self.handles for h in disk):
            if handle.aio_is_dead() or handle.aio_is_closed():
                self.lost = True
                continue
            direction = handle.aio_get_direction()
            events = (select.POLLIN if direction & nbd.AIO_DIRECTION_READ else 0) | (
                select.POLLOUT if direction & nbd.AIO_DIRECTION_WRITE else 0)
            by_fd[handle.aio_get_fd()] = handle
            poller.register(handle.aio_get_fd(), events)
        for fd, events in poller.poll(timeout * 1000):
            handle = by_fd[fd]
            direction = handle.aio_get_direction()
            try:
                if direction & nbd.AIO_DIRECTION_READ and events & ~select.POLLOUT:
                    handle.aio_notify_read()
                elif direction & nbd.AIO_DIRECTION_WRITE and events & ~select.POLLIN:
                    handle.aio_notify_write()
            except nbd.Error:
                self.lost = True

    def run(self, numbered):
        """Sends all of `numbered` and waits for the replies."""
        start = time.monotonic()
        sent = 0
        waiting = next(numbered, None)
        while not self.lost and not self.refused and (self.in_flight or waiting and not self.stop):
            due = start + sent / self.options.rate if self.options.rate else 0
            while (waiting and not self.stop and not self.lost and len(self.in_flight) < self.options.depth
                   and time.monotonic() >= due and not self.busy(waiting[1])):
                self.submit(*waiting)
                sent += 1
                due = start + sent / self.options.rate if self.options.rate else 0
                waiting = next(numbered, None)
            if not self.in_flight:
                self.answered_at = time.monotonic()
            elif time.monotonic() - self.answered_at > PATIENCE:
                self.lost = True
            self.turn(0.2 if self.in_flight else max(0.0, min(0.2, due - time.monotonic())))
        if self.lost:
            return 3
        if self.refused:
            return 4
        for handle in (h for disk in self.handles for h in disk):
            handle.flush()
            handle.shutdown()
        return 0


def random_writes(options, first):
    """Writes of 4 to 64 KiB inside the given ranges of the disks, without end or `count` of them."""
    rng = random.Random(options.seed)
    ranges = []
    for disk, path in enumerate(options.ranges):
        with open(path, encoding="ascii") as file:
            ranges += [(disk, *map(int, line.split())) for line in file]
    number = first
    while not options.count or number < first + options.count:
        disk, start, length = rng.choice(ranges)
        blocks = length // model.BLOCK
        size = min(rng.choice((1, 1, 1, 2, 4, 8, 16)), blocks)
        at = rng.randrange(blocks - size + 1)
        yield number, (disk, start + at * model.BLOCK, size * model.BLOCK, f"seed:{options.seed}")
        number += 1


def blocks_of_file(options, first):
    """The blocks that a sparse image of changes to disk 0 holds, as writes."""
    with open(f"{options.change}.blocks", encoding="ascii") as file:
        for index, block in enumerate(map(int, file)):
            yield first + index, (0, block * model.BLOCK, model.BLOCK, f"file:{options.change}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", required=True)
    parser.add_argument("--uri", action="append", required=True, help="one for each disk, in order")
    parser.add_argument("--ranges", action="append", default=[], help="one file for each disk: `start length` a line")
    parser.add_argument("--change", metavar="IMAGE", help="write to disk 0 the blocks of it that IMAGE.blocks lists")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0, help="writes a second; 0 means as fast as possible")
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--connections", type=int, default=2)
    options = parser.parse_args()
    first = max(model.read_log(options.log), default=0) + 1 if os.path.exists(options.log) else 1
    writer = Writer(options)
    signal.signal(signal.SIGTERM, lambda *_: setattr(writer, "stop", True))
    code = writer.run(blocks_of_file(options, first) if options.change else random_writes(options, first))
    print(f"{writer.acked} writes acknowledged, {len(writer.in_flight)} in flight at the end"
          + (f", refused with errno {writer.refused}" if code == 4 else ""))
    return code


if __name__ == "__main__":
    sys.exit(main())
