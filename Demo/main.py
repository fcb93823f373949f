"""The demo's story: protect, replicate, test, lose the source during a write, recover, and bring the source back.

Everything is done by drctl and public NBD clients; what must be true is judged by a model of the writes that knows
nothing of the product (model.py, writer.py, check.py) and by e2fsck and debugfs.
"""

import os
import shutil
import signal
import sys

from check import seconds
from disks import DiskError, tool
from lab import DRCTL, DemoFailed, Lab
from machine import Machine, refused

MIB = 1 << 20
DISK = 256 * MIB
FILES = 110 * MIB


def megabytes(count):
    """Bytes as people read them."""
    return f"{count / MIB:.1f} MiB"


class Story:
    """The stages, in order; each leaves behind what the next ones need."""

    def __init__(self, lab):
        self.lab = lab
        self.db = Machine(lab, "db", 2, seed=1)
        self.web = Machine(lab, "web", 1, seed=2)
        self.machines = [self.db, self.web]
        self.results = {}
        self.recovered = {}

    def make_input(self):
        for folder in ("site-a/disks", "model", "images"):
            os.makedirs(self.lab.path(folder))
        files, taken = self.db.make(DISK, FILES, 0, 3)
        self.db.plan_files({"added-1": "/etc/passwd", "added-2": "/usr/bin/env"}, {"made-at-target": "/etc/group"})
        more, more_taken = self.web.make(DISK, FILES, 2, 3)
        self.lab.say(f"3 disks of {DISK // MIB} MiB, ext4, with {files + more} files of this machine, "
                     + megabytes(taken + more_taken))

    def start(self):
        self.lab.serve()
        self.lab.agent()
        self.lab.until("the agent is connected", self.lab.connected)
        self.lab.say(f"service at {self.lab.server}, agent connected; only the agent opens connections")

    def protect(self):
        for machine in self.machines:
            result = self.lab.ask("protect", machine.name, "--disk", *machine.paths, "--no-wait")
            machine.write([d["uri"] for d in result["disks"]], "--rate", "1500", "--depth", "16")
            machine.writes_on(1)
            phase = machine.status()["phase"]
            during = machine.acknowledged() if phase != "protected" else 0
            self.lab.say(f"{machine.name}: attached at {result['disks'][0]['uri']}; "
                         f"{during} writes acknowledged in phase {phase}")
            if not during:
                raise DemoFailed(f"{machine.name}: the initial replication ended before the first write")
        for machine in self.machines:
            self.lab.until(f"{machine.name} is protected", machine.protected, 60)
            machine.writes_on(200)
            line = machine.written(stop=True)
            source = machine.status()["source"]
            changed = machine.bytes_written() + sum(d["sizeBytes"] for d in source["disks"])
            self.results[machine.name, "initial"] = (source["wireBytes"], changed)
            self.lab.say(f"{machine.name}: protected; {line}")

    def make_points(self):
        self.first = {}
        self.count = {}
        for machine in self.machines:
            self.count[machine] = machine.acknowledged()
            self.first[machine] = self.lab.ask("point", machine.name)["point"]
            self.lab.say(f"{machine.name}: point {self.first[machine]['id'][:8]} after write {self.count[machine]}")
        db = self.db
        self.old_folder = self.lab.path("files", "db-0-old")
        shutil.copytree(db.folders[0], self.old_folder)
        self.lab.say(f"db: two more files on its first disk: {db.add_files(db.uris()[0])}")
        second = self.lab.ask("point", "db")["point"]
        points = self.lab.ask("points", "db")
        if [p["id"] for p in points[:2]] != [second["id"], self.first[db]["id"]]:
            raise DemoFailed("`drctl points db` does not start with the two new points")
        self.lab.say(f"db: point {second['id'][:8]}; {len(points)} points in total")

    def test_failover(self):
        db = self.db
        for machine in self.machines:
            machine.write(machine.uris(), "--rate", "600", "--depth", "8")
        result = self.lab.ask("failover", "db", "--kind", "test", "--point", self.first[db]["id"])
        uris = [d["uri"] for d in result["disks"]]
        images = db.read(uris, "test")
        found = db.check(images, exactly=self.count[db])
        self.lab.say(f"db: both disks at that point hold exactly writes 1 to {found['last']}, byte for byte")
        count = db.check_files(images, [self.old_folder, db.folders[1]])
        self.lab.say(f"db: e2fsck finds both file systems clean, {count} files identical to those of that point")
        for image in images:
            os.remove(image)
        if refused(uris[0]) is not None:
            raise DemoFailed("the test machine's disk refuses writes")
        db.writes_on(50)
        self.lab.drctl("cleanup", "db", "--notes", "demo")
        if self.lab.ask("status", "db")["test"] is not None:
            raise DemoFailed("the test machine still exists after its clean-up")
        self.lab.say("db: cleaned up; the workload kept writing")

    def lose_source(self):
        for machine in self.machines:
            machine.written(stop=True)
            machine.write(machine.uris(), "--rate", "2500", "--depth", "16")
        for machine in self.machines:
            machine.writes_on(1500)
        for machine in self.machines:
            changed = machine.bytes_written() + sum(os.path.getsize(path) for path in machine.paths)
            sent = machine.status()["source"]["wireBytes"]
            before = self.results[machine.name, "initial"]
            self.results[machine.name, "then"] = (sent - before[0], changed - before[1])
        self.lab.kill("agent")
        for machine in self.machines:
            self.lab.say(f"{machine.name}: {machine.written(expect=3)}")
        os.rename(self.lab.path("site-a"), self.lab.path("lost"))
        self.lab.say("the agent was killed with SIGKILL during a write; its data and the source's disks are hidden")

    def fail_over(self):
        results = {}
        for machine in self.machines:
            result = self.lab.ask("failover", machine.name, "--kind", "unplanned", "--point", "latest")
            results[machine] = result
            self.recovered[machine] = [d["uri"] for d in result["disks"]]
            self.lab.say(f"{machine.name}: {len(result['disks'])} recovered disks are served; "
                         f"reported RPO {result['rpoSeconds']:.2f} s, RTO {result['rtoSeconds']:.2f} s")
        for machine, result in results.items():
            images = machine.read(self.recovered[machine], "recovered")
            found = machine.check(images, point_time=seconds(result["point"]["time"]), rpo=result["rpoSeconds"])
            if found["last"] < self.count[machine]:
                raise DemoFailed(f"{machine.name}: only writes 1 to {found['last']}, fewer than in the first point")
            self.results[machine.name, "failover"] = (result["rpoSeconds"], result["rtoSeconds"], found)
            self.lab.say(
                f"{machine.name}: base and writes 1 to {found['last']} (+{found['beyond']} in flight), byte for byte; "
                f"{found['lost']} of {found['acknowledged']} acknowledged writes lost, of {found['lostSeconds']} s; "
                f"e2fsck clean, {machine.check_files(images)} files identical")
            machine.rebase(images)

    def run_at_target(self):
        for machine in self.machines:
            self.lab.drctl("commit", machine.name)
            machine.write(self.recovered[machine], "--count", "1200", "--depth", "8")
            self.lab.say(f"{machine.name}: committed; at the target {machine.written()}")
        line = self.db.add_files(self.recovered[self.db][0])
        self.lab.say(f"db: one more file at the target: {line}")

    def source_returns(self):
        os.rename(self.lab.path("lost"), self.lab.path("site-a"))
        self.lab.agent()
        self.lab.until("the agent is connected", self.lab.connected)
        for machine in self.machines:
            view = self.lab.until(f"{machine.name} is served, fenced", machine.fenced)
            errno = refused(view["source"]["disks"][0]["uri"])
            if errno != "EPERM":
                raise DemoFailed(f"{machine.name}: the returned source returned {errno} for a write, not EPERM")
            causes = [c["message"] for c in view["causes"] if "fence" in (c["code"] + c["message"]).lower()]
            if not causes:
                raise DemoFailed(f"{machine.name}: no cause of its health says that the source is fenced")
            self.lab.say(f"{machine.name}: returned fenced and refuses writes with EPERM; “{causes[0]}”")

    def reprotect(self):
        for machine in self.machines:
            machine.write(self.recovered[machine], "--rate", "300", "--depth", "8")
            self.lab.spawn(
                "reprotect", DRCTL, "reprotect", machine.name, "--discard", "--server", self.lab.server)
            sent = 0
            while self.lab.processes["reprotect"].poll() is None:
                progress = machine.status()["progress"]
                sent = max(sent, progress["wireBytes"] if progress else 0)
            code, line = self.lab.end("reprotect")
            if code != 0:
                raise DemoFailed(f"`drctl reprotect {machine.name}` exited with {code}: {line}")
            machine.writes_on(50)
            line = machine.written(stop=True)
            self.results[machine.name, "reprotect"] = (sent, machine.bytes_written())
            self.lab.say(f"{machine.name}: replicates the differences back; meanwhile {line}")

    def fail_back(self):
        for machine in self.machines:
            last = machine.read(self.recovered[machine], "last")
            machine.check(last, exactly=machine.acknowledged())
            count = machine.check_files(last)
            self.lab.say(f"{machine.name}: the target's last state is writes 1 to {machine.acknowledged()} on what was "
                         f"recovered, byte for byte; {count} files identical")
            self.lab.drctl("failback", machine.name)
            uris = machine.uris()
            for uri, wanted, path in zip(uris, last, machine.paths):
                machine.same(uri, wanted)
                tool("cmp", wanted, path)
                tool("e2fsck", "-fn", path)
            self.lab.say(f"{machine.name}: the source's disks, as files and as exports, equal the target's last state, "
                         "byte for byte; e2fsck clean")
            if refused(uris[0]) is not None:
                raise DemoFailed(f"{machine.name}: the source refuses writes after the failback")

    def protect_again(self):
        for machine in self.machines:
            self.lab.drctl("commit", machine.name)
            self.lab.drctl("reprotect", machine.name)
        for machine in self.machines:
            self.lab.until(f"{machine.name} is protected again", machine.protected, 60)
            point = self.lab.ask("point", machine.name)["point"]
            self.lab.say(f"{machine.name}: protected as at the start, with a new point {point['id'][:8]}")

    def tell(self):
        """The timeline and the figures."""
        print("\nTimeline\n" + self.lab.timeline())
        print("\n                    RPO achieved   RTO achieved   acknowledged writes lost")
        for machine in self.machines:
            rpo, rto, found = self.results[machine.name, "failover"]
            print(f"  {machine.name:<16}  {rpo:9.2f} s    {rto:9.2f} s   {found['lost']} of {found['acknowledged']}")
        print("\n                     bytes sent    bytes changed")
        for (name, key), (sent, changed) in self.sent():
            ratio = sent / max(changed, 1)
            print(f"  {name + ', ' + key:<18}{megabytes(sent):>12}{megabytes(changed):>17}   {ratio:.2f}")

    def sent(self):
        """Bytes on the wire, as the service counts them, against bytes changed, as the model counts them."""
        return [(key, value) for key, value in self.results.items() if key[1] != "failover"]


def main():
    try:
        lab = Lab()
    except DemoFailed as failure:
        print(f"demo: FAILED: {failure}", file=sys.stderr)
        return 1
    story = Story(lab)
    stages = [
        ("input from this machine's files", story.make_input), ("service and agent start", story.start),
        ("initial replication under writes", story.protect), ("recovery points", story.make_points),
        ("test failover and clean-up", story.test_failover), ("the source is lost during a write", story.lose_source),
        ("unplanned failover", story.fail_over), ("commit, work at the target", story.run_at_target),
        ("the source returns, fenced", story.source_returns), ("reprotect", story.reprotect),
        ("failback", story.fail_back),
        ("commit, protected again", story.protect_again),
    ]
    # A demo that is stopped cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for name, act in stages:
            with lab.stage(name):
                act()
        story.tell()
    except (DemoFailed, DiskError) as failure:
        print(f"\ndemo: FAILED: {failure}", file=sys.stderr)
        for name in ("service", "agent"):
            if os.path.exists(lab.path(f"{name}.out")) and lab.tail(name):
                print(f"--- the end of what the {name} printed:\n{lab.tail(name)}", file=sys.stderr)
        return 1
    finally:
        lab.clear()
    print("demo: OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
