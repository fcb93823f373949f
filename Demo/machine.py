"""A protected machine of the demo: its disks, the writer that is its workload, and what its disks must hold."""

import json
import os
import shutil
import subprocess
import time

import check
import disks
import model
from lab import HERE, PYTHON, DemoFailed


class Machine:
    """One VM. `base` are images as they were before the current log; `folders` say which files each disk holds."""

    def __init__(self, lab, name, count, seed):
        self.lab = lab
        self.name = name
        self.seed = seed
        self.paths = [lab.path("site-a", "disks", f"{name}-{index}.img") for index in range(count)]
        self.folders = [lab.path("files", f"{name}-{index}") for index in range(count)]
        self.base = [lab.path("model", f"{name}-{index}-base.img") for index in range(count)]
        self.log = lab.path("model", f"{name}.log")
        self.sessions = 0
        self.planned = []

    def make(self, size, limit, share, shares):
        """Fills the disks; returns files and bytes taken from the machine."""
        files = taken = 0
        for index, (path, folder, base) in enumerate(zip(self.paths, self.folders, self.base)):
            os.makedirs(folder)
            found = disks.gather(folder, limit, (share + index, shares))
            disks.make(path, folder, size, self.seed * 10 + index)
            shutil.copyfile(path, base)
            with open(f"{base}.ranges", "w", encoding="ascii") as file:
                file.writelines(f"{start} {length}\n" for start, length in disks.stream_ranges(path))
            files, taken = files + found[0], taken + found[1]
        return files, taken

    @property
    def writer(self):
        """The name of the writer's process."""
        return f"writer-{self.name}"

    def write(self, uris, *options):
        """Starts a writer on all disks."""
        self.sessions += 1
        arguments = [a for uri in uris for a in ("--uri", uri)]
        arguments += [a for base in self.base for a in ("--ranges", f"{base}.ranges")]
        self.lab.spawn(
            self.writer, *PYTHON, os.path.join(HERE, "writer.py"), "--log", self.log,
            "--seed", str(self.seed * 100 + self.sessions), *arguments, *options)

    def written(self, expect=0, stop=False):
        """Waits for the writer, or stops it; returns its last line."""
        code, line = (self.lab.stop if stop else self.lab.end)(self.writer)
        if code != expect:
            raise DemoFailed(f"the writer of {self.name} exited with {code}, not {expect}: {line}")
        return line

    def acknowledged(self):
        """How many writes were acknowledged so far."""
        if not os.path.exists(self.log):
            return 0
        return sum(w.acked is not None for w in model.read_log(self.log).values())

    def bytes_written(self):
        """The bytes of all acknowledged writes of the current log."""
        return sum(w.length for w in model.read_log(self.log).values() if w.acked is not None)

    def writes_on(self, count):
        """Waits until `count` more writes are acknowledged; a writer that ended before is the reason at once."""
        target = self.acknowledged() + count
        deadline = time.monotonic() + 30
        while self.acknowledged() < target:
            if self.lab.processes[self.writer].poll() is not None or time.monotonic() > deadline:
                raise DemoFailed(f"the writer of {self.name} makes no progress: {self.lab.tail(self.writer)}")
            time.sleep(0.05)

    def plan_files(self, *lots):
        """Prepares files to be put on disk 0 later, lot after lot: the blocks that its guest would write.

        The numbered writes stay inside their own file, so the blocks around it do not depend on them.
        """
        image = self.lab.path("model", f"{self.name}-plan.img")
        disks.tool("cp", "--sparse=always", self.base[0], image)
        for index, files in enumerate(lots):
            self.planned.append((files, self.lab.path("model", f"{self.name}-{index}.changes")))
            disks.change(image, *self.planned[-1])
        os.remove(image)

    def add_files(self, uri):
        """Puts the next lot of files on disk 0, block by block through NBD."""
        files, changes = self.planned.pop(0)
        for name, source in files.items():
            shutil.copyfile(source, f"{self.folders[0]}/{name}")
        program = os.path.join(HERE, "writer.py")
        self.lab.spawn(self.writer, *PYTHON, program, "--log", self.log, "--uri", uri, "--change", changes)
        return self.written()

    def read(self, uris, note):
        """Copies every disk out through NBD; returns the images."""
        images = []
        for index, uri in enumerate(uris):
            images.append(self.lab.path("images", f"{self.name}-{index}-{note}.img"))
            disks.tool("nbdcopy", uri, images[-1])
        return images

    def same(self, uri, image):
        """Whether an export holds exactly the bytes of an image."""
        with subprocess.Popen(["nbdcopy", uri, "-"], stdout=subprocess.PIPE) as reader:
            compared = subprocess.run(["cmp", "-", image], stdin=reader.stdout, capture_output=True, text=True)
            reader.stdout.close()
        if compared.returncode or reader.returncode:
            raise DemoFailed(f"{self.name}: {uri} differs from {image}: {(compared.stdout + compared.stderr).strip()}")

    def check(self, images, **options):
        """Checks images against the base and the log of writes, byte for byte."""
        try:
            return check.check(list(zip(self.base, images)), model.read_log(self.log), **options)
        except check.Mismatch as mismatch:
            raise DemoFailed(f"{self.name}: {mismatch}") from None

    def check_files(self, images, folders=None):
        """e2fsck, and every file of every disk; returns how many files."""
        scratch = self.lab.path("scratch")
        return sum(disks.check_files(image, folder, scratch) for image, folder in zip(images, folders or self.folders))

    def rebase(self, images):
        """From here on the given images are the base, and a new log begins."""
        for base, image in zip(self.base, images):
            os.replace(image, base)
        os.remove(self.log)

    def status(self):
        """What the service says of it."""
        return self.lab.ask("status", self.name)

    def protected(self):
        """Whether it is protected now."""
        return self.status()["phase"] == "protected"

    def fenced(self):
        """Its status, once the source is served and fenced; else None."""
        view = self.status()
        served = view["source"]["role"] == "fenced" and all(disk["uri"] for disk in view["source"]["disks"])
        return view if served else None

    def uris(self):
        """The source's NBD URIs."""
        return [disk["uri"] for disk in self.status()["source"]["disks"]]


def refused(uri):
    """The errno with which a server refuses a write; None when it takes it. nbdsh asks, libnbd's own checks off."""
    script = """
import errno
h.set_strict_mode(h.get_strict_mode() & ~nbd.STRICT_COMMANDS)
h.connect_uri(%r)
try:
    h.pwrite(b"x" * 512, 0)
    print("null")
except nbd.Error as e:
    print('"%%s"' %% errno.errorcode[e.errnum])
""" % uri
    env = {**os.environ, "PATH": f"/usr/bin:{os.environ['PATH']}"}
    done = subprocess.run(["nbdsh", "-c", script], capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise DemoFailed(f"nbdsh could not use {uri}: {done.stderr.strip()}")
    return json.loads(done.stdout)
