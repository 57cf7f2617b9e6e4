"""Starts the real programs on loopback for tests: ports from the kernel, bounded waiting, own processes only.

    with Node(folder, prefixes=["88.118"]) as node:      # init, start, READY
        node.idctl("resolve", "88.118/x")                 # CompletedProcess
        node.kill(); node.start()

The build folder comes from IDNODE_BUILD, which CTest sets.
"""
import json
import os
import signal
import subprocess
import tempfile
import threading
import time

BUILD = os.environ.get("IDNODE_BUILD") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build", "dev")
IDNODE = os.path.join(BUILD, "idnode")
IDCTL = os.path.join(BUILD, "idctl")


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return json.dumps(value)


class Node:
    """One node in a folder of its own. `tables` holds further settings: {"upstream": {"servers": [...]}}."""

    def __init__(self, folder=None, prefixes=("88.118",), tables=None, init=True, name="node"):
        self.folder = folder or tempfile.mkdtemp(prefix="idnode-")
        os.makedirs(self.folder, exist_ok=True)
        self.prefixes = list(prefixes)
        self.name = name
        self.config = os.path.join(self.folder, "idnode.toml")
        self.keys = os.path.join(self.folder, "keys")
        self.administrator = f"300:{self.prefixes[0]}/ADMIN"
        self.process = None
        self.lines = []
        settings = {
            "node": {"data": "var/data", "prefixes": self.prefixes, "administrators": [self.administrator], "workers": 4},
            "listen": {"handle": ["127.0.0.1:0"], "http": [], "admin": ["127.0.0.1:0"]},
            "upstream": {"servers": []},
        }
        for table, fields in (tables or {}).items():
            settings.setdefault(table, {}).update(fields)
        self.write_config(settings)
        if init:
            self.init()

    def write_config(self, settings):
        self.settings = settings
        with open(self.config, "w", encoding="utf-8") as f:
            for table, fields in settings.items():
                f.write(f"[{table}]\n")
                for key, value in fields.items():
                    f.write(f"{key} = {toml(value)}\n")

    def init(self, *arguments):
        subprocess.run([IDNODE, "init", "--config", self.config, "--key-out", self.keys, *arguments], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)

    def start(self, timeout=30, environment=None):
        """Returns once READY was printed; raises with what the node said otherwise."""
        self.lines = []
        ready = threading.Event()
        self.process = subprocess.Popen([IDNODE, "--config", self.config], stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        process = self.process

        def read():
            for line in process.stderr:
                self.lines.append(line.rstrip("\n"))
                if line.startswith("READY"):
                    ready.set()
            ready.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        if not ready.wait(timeout) or self.process.poll() is not None:
            self.kill()
            raise RuntimeError(f"{self.name} did not start: {self.lines}")
        with open(os.path.join(self.data, "listeners.json"), encoding="utf-8") as f:
            self.listeners = json.load(f)
        return self

    @property
    def data(self):
        return os.path.join(self.folder, self.settings["node"]["data"])

    @property
    def endpoint(self):
        return self.listeners["handle"][0]

    @property
    def port(self):
        return int(self.endpoint.rsplit(":", 1)[1])

    @property
    def admin_port(self):
        return int(self.listeners["admin"][0].rsplit(":", 1)[1])

    def idctl(self, *arguments, check=True, input=None, timeout=120, administrator=True):
        identity = ["--as", self.administrator, "--key", os.path.join(self.keys, "admin.pem")] if administrator else []
        result = subprocess.run([IDCTL, "--server", self.endpoint, *identity, *arguments], capture_output=True, text=True,
                                input=input, timeout=timeout)
        if check and result.returncode != 0:
            raise RuntimeError(f"idctl {' '.join(arguments)}: exit {result.returncode}: {result.stderr}")
        return result

    def stop(self, timeout=15):
        """SIGTERM; returns the exit code."""
        if self.process is None or self.process.poll() is not None:
            return None if self.process is None else self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self.reader.join(5)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise TimeoutError(what)
