"""The demo's laboratory: processes by pid, drctl as the only way to the product, stages with their times."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

HERE = os.path.dirname(os.path.realpath(__file__))
DRCTL = os.path.join(os.path.dirname(HERE), "drctl")
PYTHON = ["/usr/bin/python3", "-B"]


class DemoFailed(Exception):
    """Something is not as it must be; the text is one clear sentence."""


class Lab:
    """A folder, the processes in it, and a clock."""

    def __init__(self):
        self.work = tempfile.mkdtemp(prefix="drctl-demo-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        free = shutil.disk_usage(self.work).free
        if free < 6 << 30:
            os.rmdir(self.work)
            raise DemoFailed(
                f"{os.path.dirname(self.work)} has {free >> 20} MiB free, but the demo needs 6 GiB; "
                "set TMPDIR to a directory with more space")
        self.start = time.monotonic()
        self.stages = []
        self.processes = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.server = f"http://127.0.0.1:{probe.getsockname()[1]}"
        # The service leaves its API token in the user's configuration directory, where drctl and the agent find it.
        os.environ["XDG_CONFIG_HOME"] = self.path("config")
        os.environ["DRCTL_SERVER"] = self.server
        os.environ.pop("DRCTL_TOKEN_FILE", None)

    def path(self, *parts):
        """A path in the demo's folder."""
        return os.path.join(self.work, *parts)

    def say(self, text):
        """A line of the story."""
        print(f"  {time.monotonic() - self.start:6.1f} s  {text}", flush=True)

    @contextmanager
    def stage(self, name):
        """A phase of the story; its duration goes into the timeline."""
        print(f"\n■ {name}", flush=True)
        begun = time.monotonic()
        yield
        self.stages.append((name, begun - self.start, time.monotonic() - self.start))

    def drctl(self, *arguments, expect=0):
        """Runs drctl; returns what it printed."""
        done = subprocess.run([DRCTL, *arguments], capture_output=True, text=True)
        if done.returncode != expect:
            raise DemoFailed(
                f"`drctl {' '.join(arguments)}` exited with {done.returncode}, not {expect}: "
                + (done.stderr or done.stdout).strip())
        return done.stdout if expect == 0 else done.stderr

    def ask(self, *arguments):
        """Runs drctl with --json; returns the result."""
        return json.loads(self.drctl(*arguments, "--json"))

    def spawn(self, name, *arguments, **options):
        """Starts a process whose output goes to a file."""
        with open(self.path(f"{name}.out"), "ab") as output:
            self.processes[name] = subprocess.Popen(arguments, stdout=output, stderr=output, **options)

    def serve(self):
        """Starts the service."""
        self.spawn("service", DRCTL, "serve", "--data", self.path("vault"), "--listen", self.server)

    def agent(self):
        """Starts the agent."""
        data = self.path("site-a", "agent")
        self.spawn("agent", DRCTL, "agent", "--server", self.server, "--data", data, "--name", "site-a",
                   "--allow", self.path("site-a", "disks"))

    def until(self, what, condition, seconds=30):
        """Polls until the condition returns a result; fails at once if a process has ended."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            for name in ("service", "agent"):
                process = self.processes.get(name)
                if process and process.poll() is not None:
                    raise DemoFailed(
                        f"the {name} exited with {process.returncode} while waiting until {what}: {self.tail(name)}")
            if time.monotonic() > deadline:
                raise DemoFailed(f"not within {seconds} s: {what}")
            time.sleep(0.1)
        return found

    def connected(self):
        """Whether the agent is connected; False also while the service does not respond yet."""
        command = [DRCTL, "agents", "--json", "--server", self.server]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode == 0 and any(a["connected"] for a in json.loads(done.stdout))

    def tail(self, name):
        """The end of what a process printed."""
        with open(self.path(f"{name}.out"), encoding="utf-8", errors="replace") as file:
            return file.read().strip()[-1500:]

    def kill(self, name):
        """SIGKILL: the process has no chance to do anything more."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def end(self, name, seconds=60):
        """Waits for a process to end; returns its exit code and last line."""
        process = self.processes.pop(name)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DemoFailed(f"{name} did not end within {seconds} s") from None
        return code, (self.tail(name).splitlines() or [""])[-1]

    def stop(self, name, seconds=60):
        """SIGTERM, then as `end`."""
        self.processes[name].send_signal(signal.SIGTERM)
        return self.end(name, seconds)

    def clear(self):
        """Ends every process that is left and removes the folder, unless DEMO_KEEP is set."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if os.environ.get("DEMO_KEEP"):
            print(f"kept: {self.work}", file=sys.stderr)
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def timeline(self, cells=44):
        """The stages as bars on one axis."""
        whole = self.stages[-1][2]
        width = max(len(name) for name, _, _ in self.stages)
        lines = []
        for name, begun, ended in self.stages:
            left = int(begun / whole * cells)
            right = max(left + 1, round(ended / whole * cells))
            bar = " " * left + "█" * (right - left) + " " * (cells - right)
            lines.append(f"  {name:<{width}}  {ended - begun:5.1f} s  │{bar}│")
        return "\n".join(lines)
