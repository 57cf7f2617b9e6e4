"""What is measured: one row each, reference and node in turns."""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field

from .processes import Processes, Trouble, children_of

PREFIX = "88.118.1"
PATTERN = PREFIX + "/{:08}"
ANSWER_BYTES = 300
VALUES = 5
MOST_FOREIGN = 0.10      # of one CPU, in a round that counts
MOST_TRIES = 3           # rounds that are run for each that must count
REGISTRATIONS = 1024     # of one round
ONE_SOURCE = []
MANY_SOURCES = ["--sources", "64"]
STRANGERS = ["--first-source", "127.0.1.2", "--sources", "1", "--verify-sources"]
STRANGER = ["--first-source", "127.0.1.2", "--sources", "1"]

CONFIG = """\
[node]
data = "{data}"
prefixes = ["88.118", "{prefix}"]
administrators = ["300:88.118/ADMIN"]
workers = 1
[storage]
resident = "{resident}"
[listen]
handle = ["127.0.0.1:0"]
http = []
admin = ["127.0.0.1:0"]
[upstream]
servers = []
[log]
access = "{data}.log"
level = "warning"
[limits]
trusted = ["127.0.0.0/24"]
"""


@dataclass
class Row:
    name: str
    kind: str                  # udp, tcp, peer, batch, registration
    load: list = field(default_factory=list)
    floor: float = None
    at_most: bool = False      # the floor is a ceiling: less is better
    by: str = "requests_per_s"
    reference: str = "echo"
    unit: str = "/s"
    server: str = "node"       # or "store": the same identifiers in a node without the memory tier


ROWS = [
    Row("udp RocksDB from 1 source", "udp", ["--connections", "4", "--depth", "64"], 0.15, server="store"),
    Row("udp RocksDB from 64 sources", "udp", ["--depth", "4", *MANY_SOURCES], 0.15, server="store"),
    Row("udp RocksDB from 1 untrusted source", "udp", ["--connections", "4", "--depth", "64", *STRANGERS], 0.15, server="store"),
    Row("tcp 8x16 RocksDB from 1 source", "tcp", ["--connections", "8", "--depth", "16"], server="store"),
    Row("udp from 1 source", "udp", ["--connections", "4", "--depth", "64"]),
    Row("udp from 64 sources", "udp", ["--depth", "4", *MANY_SOURCES]),
    Row("udp from 1 untrusted source", "udp", ["--connections", "4", "--depth", "64", *STRANGERS]),
    Row("udp one in flight p50", "udp", [], None, True, "p50_us", unit=" µs"),
    Row("tcp 8x16 from 1 source", "tcp", ["--connections", "8", "--depth", "16"], 0.10),
    Row("tcp 64x16 from 64 sources", "tcp", ["--depth", "16", *MANY_SOURCES], 0.10),
    Row("tcp 8x16 from 1 untrusted source", "tcp", ["--connections", "8", "--depth", "16", *STRANGER], 0.10),
    Row("tcp 64x1 from 1 source", "tcp", ["--connections", "64"], 0.80),
    Row("tcp 64x1 from 64 sources", "tcp", MANY_SOURCES, 0.80),
    Row("tcp 64x1 from 1 untrusted source", "tcp", ["--connections", "64", *STRANGER], 0.80),
    Row("udp against NSD", "peer", ["--connections", "4", "--depth", "64"], reference="nsd"),
    Row("udp against Knot", "peer", ["--connections", "4", "--depth", "64"], reference="knot"),
    Row("batches of 1000", "batch", floor=0.60, reference="RocksDB, synced", unit=" records/s"),
    Row("signed registration server CPU", "registration", floor=6, at_most=True, reference="RSA verify", unit=" µs"),
]


@dataclass
class Round:
    reference: float
    node: float
    foreign: float             # the worse of the two, as a share of one CPU
    reference_cpu_us: float = 0
    node_cpu_us: float = 0

    @property
    def ratio(self):
        return self.node / self.reference


@dataclass
class Result:
    row: Row
    rounds: list
    quiet: int                 # of the rounds, how many had no more foreign CPU than allowed
    dropped: int

    def ratios(self):
        return sorted(r.ratio for r in self.rounds)

    def median(self, of):
        return statistics.median(of(r) for r in self.rounds)

    def holds(self):
        if self.row.floor is None:
            return True
        ratio = statistics.median(self.ratios())
        return ratio <= self.row.floor if self.row.at_most else ratio >= self.row.floor


def numbers(text):
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}


class Bench:
    def __init__(self, options, processes: Processes, build):
        self.options, self.processes = options, processes
        self.idnode, self.idload, self.micro_commit = (os.path.join(build, name) for name in ("idnode", "idload", "micro_commit"))
        self.folder = os.path.join(processes.folder, "node")
        self.servers = {}          # name -> (process, endpoint)
        self.metrics = {}          # name of a node -> address of its metrics
        self.registered = 0

    # --- what is measured against what ---

    def prepare(self):
        os.makedirs(self.folder)
        config = self.configure("node", "data", "auto")
        self.keys = os.path.join(self.folder, "keys")
        self.must([self.idnode, "init", "--config", config, "--key-out", self.keys])
        self.say(f"filling the node with {self.options.keys:,} identifiers")
        self.must([self.idload, "fill", "--config", config, "--pattern", PATTERN, "--keys", str(self.options.keys)])
        shutil.copytree(os.path.join(self.folder, "data"), os.path.join(self.folder, "data-store"))
        self.start("node", config, "data")
        self.start("store", self.configure("store", "data-store", "off"), "data-store")
        for name, transport in (("echo udp", "--udp"), ("echo tcp", "--tcp")):
            echo = self.processes.start([self.idload, "echo-server", transport, "--listen", "127.0.0.1:0", "--answer-bytes",
                                         str(ANSWER_BYTES)], stderr=subprocess.PIPE, text=True)
            self.servers[name] = (echo, self.ready(echo, name).split()[1])
        self.warm("node")
        self.warm("store")

    def configure(self, name, data, resident):
        path = os.path.join(self.folder, name + ".toml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(prefix=PREFIX, data=data, resident=resident))
        return path

    def start(self, name, config, data):
        node = self.processes.start([self.idnode, "--config", config], stderr=subprocess.PIPE, text=True)
        self.ready(node, name)
        with open(os.path.join(self.folder, data, "listeners.json"), encoding="utf-8") as f:
            listeners = json.load(f)
        self.servers[name] = (node, listeners["handle"][0])
        self.metrics[name] = f"http://{listeners['admin'][0]}/metrics"

    def ready(self, process, name):
        for line in process.stderr:
            if line.startswith("READY"):
                return line
        raise Trouble(f"{name} did not start")

    def warm(self, server):
        """Every record comes into memory: as many questions as there are identifiers, at least a second."""
        self.say(f"warming {server}")
        asked, end = 0, time.monotonic() + 60
        while asked < self.options.keys and time.monotonic() < end:
            asked += self.load(server, ["--tcp", "--connections", "8", "--depth", "16"], seconds=2, warmup=0)["answered"]

    def load(self, server, arguments, seconds=None, warmup=0.2):
        process, endpoint = self.servers[server]
        dns = server in ("nsd", "knot")
        if dns:
            command = [self.idload, "dns", "--pattern", "n{:08}.bench.test"]
        else:
            command = [self.idload, "resolve", "--pattern", PATTERN, *(["--values", str(VALUES)] if server in ("node", "store") else [])]
        for pid in children_of(process.pid):
            command += ["--watch", str(pid)]
        code, out, err = self.processes.run(
            [*command, "--target", endpoint, "--keys", str(self.options.keys), "--spin", "--json", "--seconds",
             str(seconds or self.options.seconds), "--warmup", str(warmup), *arguments])
        if not out:
            raise Trouble(f"load against {server}: {err.strip()}")
        got = json.loads(out)
        # An echo never gives the right answer; everybody else must, always.
        if not server.startswith("echo") and (code != 0 or got["wrong"] != 0):
            raise Trouble(f"{server}: {got['wrong']} of {got['answered']} answers were wrong")
        if got["answered"] == 0:
            raise Trouble(f"{server}: no answers")
        got["cpu_us"] = got["watched_cpu_s"] / max(1, got["requests_per_s"] * got["seconds"]) * 1e6
        got["foreign"] = got["foreign_cpu_s"] / got["seconds"]
        return got

    # --- rounds ---

    def run(self, row, names, skipped):
        if row.kind == "peer" and row.reference not in names:
            return None
        self.say(row.name)
        once = {"udp": self.against_echo, "tcp": self.against_echo, "peer": self.against_peer, "batch": self.batches,
                "registration": self.registration}[row.kind]
        rounds, quiet = [], 0
        while quiet < self.options.rounds and len(rounds) < self.options.rounds * MOST_TRIES:
            if rounds and self.processes.left() < 10:
                break
            one = once(row)
            if one is None:
                skipped.append(f"{row.name}: could not be measured")
                return None
            rounds.append(one)
            quiet += one.foreign <= MOST_FOREIGN
        # The quietest; what is left over when a machine is never quiet is said in the report.
        kept = sorted(rounds, key=lambda r: r.foreign)[:self.options.rounds]
        return Result(row, kept, sum(r.foreign <= MOST_FOREIGN for r in kept), len(rounds) - len(kept))

    def against_echo(self, row):
        arguments = ["--" + row.kind, *row.load]
        # The echo knows no verification of sources.
        echo = self.load("echo " + row.kind, [a for a in arguments if a != "--verify-sources"])
        node = self.load(row.server, arguments)
        return Round(echo[row.by], node[row.by], max(echo["foreign"], node["foreign"]), echo["cpu_us"], node["cpu_us"])

    def against_peer(self, row):
        peer = self.load(row.reference, row.load)
        node = self.load(row.server, ["--udp", *row.load])
        return Round(peer[row.by], node[row.by], max(peer["foreign"], node["foreign"]), peer["cpu_us"], node["cpu_us"])

    def batches(self, _):
        folder = os.path.join(self.processes.folder, "commit")
        before = machine_cpu()
        started = time.monotonic()
        use = children_cpu()
        code, out, err = self.processes.run([self.micro_commit, str(self.options.seconds), folder, "1"], cpu="0-1")
        got = numbers(out)
        if code != 0 or "committed_per_s" not in got:
            raise Trouble(f"micro_commit: {err.strip() or out.strip()}")
        foreign = (machine_cpu() - before - (children_cpu() - use)) / (time.monotonic() - started)
        reference = got["rocksdb_sync_per_s"]
        return Round(reference, reference * got["ratio_median"], max(0, foreign), got.get("rocksdb_cpu_us", 0), got.get("cpu_us", 0))

    def registration(self, _):
        node, endpoint = self.servers["node"]
        code, out, err = self.processes.run(
            [self.idload, "register", "--target", endpoint, "--as", "300:88.118/ADMIN", "--key",
             os.path.join(self.keys, "admin.pem"), "--pattern", PREFIX + "/R{:08}", "--first", str(self.registered), "--keys",
             str(REGISTRATIONS), "--connections", "64", "--together", "--watch", str(node.pid), "--json"])
        self.registered += REGISTRATIONS
        if code != 0:
            raise Trouble(f"registration: {err.strip() or out.strip()}")
        got = json.loads(out)
        cpu = got["watched_cpu_s"] / got["registered"] * 1e6
        verify = self.verify_us()
        if verify is None:
            return None
        return Round(verify, cpu, got["foreign_cpu_s"] / got["seconds"], verify, cpu)

    def verify_us(self):
        """openssl speed, CPU time of one RSA-2048 verification on the server's processor."""
        try:
            _, out, _ = self.processes.run(["openssl", "speed", "-mr", "-seconds", "1", "rsa2048"], cpu=0)
        except OSError:
            return None
        for line in out.splitlines():
            part = line.split(":")  # +F2:2:2048:<signatures a second>:<verifications a second>
            if line.startswith("+F2:") and len(part) >= 5:
                return 1e6 / float(part[4])
        return None

    def access_lines(self):
        """Lines of the nodes' access logs: written, and dropped because a lane was full."""
        lines = {"written": 0, "dropped": 0}
        for url in self.metrics.values():
            with urllib.request.urlopen(url, timeout=10) as page:
                for outcome, count in re.findall(r'idnode_access_log_lines_total\{outcome="(\w+)"\} (\d+)', page.read().decode()):
                    lines[outcome] += int(count)
        return lines

    def must(self, command):
        code, out, err = self.processes.run(command, cpu="0-1")
        if code != 0:
            raise Trouble(f"{os.path.basename(command[0])} {command[1]}: {err.strip() or out.strip()}")

    @staticmethod
    def say(text):
        print(f"compare: {text}", file=sys.stderr, flush=True)


def machine_cpu():
    """Seconds of user, nice, system and stolen time of all processors."""
    with open("/proc/stat", encoding="ascii") as f:
        part = [int(v) for v in f.readline().split()[1:9]]
    return (part[0] + part[1] + part[2] + part[7]) / os.sysconf("SC_CLK_TCK")


def children_cpu():
    use = os.times()
    return use.children_user + use.children_system
