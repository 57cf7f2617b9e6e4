#!/usr/bin/env python3
"""What a secondary node is for, shown on two real catalogues (started by ops/run).

Three nodes on loopback, each with its own configuration in var/run: a national top-level node, our secondary node, and an
enterprise that answers for itself. Everything goes through the real protocol with the real tools.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "release")
RUN = os.path.join(ROOT, "var", "run")
POINTER_PREFIX = "88.150.100"
FOREIGN_PREFIX = "88.200"
CHECKED_AFTER_KILL = 1000

CONFIG = """\
[node]
data = "data"
prefixes = {prefixes}
administrators = ["{administrator}"]
[listen]
handle = ["127.0.0.1:{port}"]
http = []
admin = ["127.0.0.1:{admin}"]
[upstream]
servers = {upstream}
[log]
access = "access.log"
level = "warning"
"""


def say(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


class Node:
    def __init__(self, name, prefixes, port, admin, upstream=()):
        self.name, self.prefixes = name, prefixes
        self.folder = os.path.join(RUN, name)
        self.config = os.path.join(self.folder, "idnode.toml")
        self.keys = os.path.join(self.folder, "keys")
        self.administrator = f"300:{prefixes[0]}/ADMIN"
        self.process = None
        os.makedirs(self.folder)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(prefixes=json.dumps(prefixes), administrator=self.administrator, port=port, admin=admin,
                                  upstream=json.dumps(list(upstream))))
        subprocess.run([os.path.join(BUILD, "idnode"), "init", "--config", self.config, "--key-out", self.keys], check=True,
                       stdout=subprocess.DEVNULL)

    def start(self):
        # A session of its own: Ctrl-C reaches this script, which then stops the nodes in order.
        self.process = subprocess.Popen([os.path.join(BUILD, "idnode"), "--config", self.config], stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)
        for line in self.process.stderr:
            if line.startswith("READY"):
                break
            print(f"  {self.name}: {line}", end="")
        else:
            sys.exit(f"{self.name} node did not start")
        # What it says later goes to a file, so that the pipe never fills.
        log = open(os.path.join(self.folder, "events.log"), "a", encoding="utf-8")
        subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=log, start_new_session=True)
        log.close()
        with open(os.path.join(self.folder, "data", "listeners.json"), encoding="utf-8") as f:
            self.listeners = json.load(f)
        self.endpoint = self.listeners["handle"][0]
        return self

    def idctl(self, *arguments, identity=True, check=True, show=False, capture=True):
        command = [os.path.join(BUILD, "idctl"), "--server", self.endpoint]
        if identity:
            command += ["--as", self.administrator, "--key", os.path.join(self.keys, "admin.pem")]
        if show:
            print(f"$ idctl --server {self.endpoint} {' '.join(arguments)}", flush=True)
        done = subprocess.run(command + list(arguments), stdout=subprocess.PIPE if capture else None, text=True,
                              stderr=subprocess.PIPE if capture else None)
        if show and capture:
            print(done.stdout + done.stderr, end="", flush=True)
        if check and done.returncode != 0:
            sys.exit(f"idctl {' '.join(arguments)}: exit {done.returncode}: {done.stderr or ''}")
        return done

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def numbers(text):
    """imported=3 failed=0 -> {"imported": 3, "failed": 0}"""
    return {name: int(float(value)) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}


def resolve_values(node, identifier):
    """The values as {index: text}, or the response code."""
    done = node.idctl("--json", "resolve", identifier, identity=False, check=False)
    answer = json.loads(done.stdout)
    if answer["responseCode"] != 1:
        return answer["responseCode"]
    return {value["index"]: value["data"]["value"] for value in answer["values"]}


def main_job(once):
    national_port, port, enterprise_port, admin = (0, 0, 0, 0) if once else (3641, 2641, 2642, 9641)
    say("1. Three nodes: national, secondary, an enterprise's own")
    shutil.rmtree(RUN, ignore_errors=True)
    nodes = []
    try:
        # Each is in the list before it starts, so that whatever interrupts leaves none behind.
        national = Node("national", ["88"], national_port, 0)
        nodes.append(national)
        national.start()
        secondary = Node("secondary", ["88.118", "88.150"], port, admin, upstream=[national.endpoint])
        nodes.append(secondary)
        secondary.start()
        enterprise = Node("enterprise", [POINTER_PREFIX], enterprise_port, 0)
        nodes.append(enterprise)
        enterprise.start()
        for node in nodes:
            print(f"  {node.name:10} {node.endpoint:21} prefixes {', '.join(node.prefixes)}")
        result = catalogue(national, secondary, enterprise)
        show_answers(secondary, result)
        if once:
            after_kill(secondary, result)
        line = " ".join(f"{name}={value}" for name, value in result.items())
        print(f"\n{line}", flush=True)
        if not once:
            say(f"The nodes run until Ctrl-C. Metrics: http://{secondary.listeners['admin'][0]}/metrics")
            print(f"  build/release/idctl --server {secondary.endpoint} resolve 88.118.32902/100e")
            signal.pause()
        return succeeded(result, once)
    except KeyboardInterrupt:
        say("Stopping")
        return True
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        for node in reversed(nodes):
            node.stop()


def catalogue(national, secondary, enterprise):
    say("2. The catalogues: 856 enterprises, their devices and furniture")
    samples = os.path.join(RUN, "samples")
    subprocess.run([sys.executable, os.path.join(ROOT, "ops", "sample", "convert.py"), samples], check=True)
    identifiers = os.path.join(samples, "identifiers.ndjson")

    say("3. Onboarding: prefix records and homes")
    for prefix in secondary.prefixes:
        national.idctl("prefix", "add", prefix, "--pointer", secondary.endpoint)
    print("  " + secondary.idctl("prefix", "import", os.path.join(samples, "enterprises.ndjson")).stdout, end="")
    secondary.idctl("prefix", "add", POINTER_PREFIX, "--pointer", enterprise.endpoint, "--name", "answers for itself")
    enterprise.idctl("create", f"{POINTER_PREFIX}/CHAIR-1", "--value", "1:NAME=Folding chair", "--value", "2:NAME_ZH=折叠椅")
    national.idctl("prefix", "add", FOREIGN_PREFIX, "--hosted")
    national.idctl("create", f"{FOREIGN_PREFIX}/MOTOR-7", "--value", "1:NAME=Servo motor", "--value", "2:NAME_ZH=伺服电机")

    say("4. Registration: every identifier, by challenge and signature")
    started = time.monotonic()
    # The bar goes to the terminal; the last line is read.
    done = subprocess.run([os.path.join(BUILD, "idctl"), "--server", secondary.endpoint, "--as", secondary.administrator, "--key",
                           os.path.join(secondary.keys, "admin.pem"), "import", identifiers], stdout=subprocess.PIPE, text=True)
    imported = numbers(done.stdout)
    print(f"  {done.stdout.strip()} ({imported['imported'] / max(time.monotonic() - started, 0.001):.0f} a second)")

    say("5. Resolution: every identifier back over TCP, every value compared")
    done = secondary.idctl("compare", identifiers, identity=False, check=False)
    print("  " + done.stdout + done.stderr, end="")
    compared = numbers(done.stdout)
    return {"registered": imported["imported"], "resolved_back": compared["compared"], "different": compared["different"]}


def show_answers(secondary, result):
    say("6. Four kinds of answers")
    print("local: we are the authority")
    secondary.idctl("resolve", "88.150.1/Blend Swap CC-0#armchair", identity=False, show=True)
    print("\npointer: the enterprise answers for itself, we ask it for you")
    secondary.idctl("resolve", f"{POINTER_PREFIX}/CHAIR-1", identity=False, show=True, check=False)
    print("\nforwarded: a foreign identifier, through the national node")
    secondary.idctl("resolve", f"{FOREIGN_PREFIX}/MOTOR-7", identity=False, show=True, check=False)
    print("\nunknown: ours, but nobody registered it")
    secondary.idctl("resolve", "88.150.1/no such model", identity=False, show=True, check=False)
    pointer = resolve_values(secondary, f"{POINTER_PREFIX}/CHAIR-1")
    forwarded = resolve_values(secondary, f"{FOREIGN_PREFIX}/MOTOR-7")
    result["pointer"] = "ok" if isinstance(pointer, dict) and pointer.get(2) == "折叠椅" else f"failed({pointer})"
    result["forwarded"] = "ok" if isinstance(forwarded, dict) and forwarded.get(2) == "伺服电机" else f"failed({forwarded})"
    result["unknown_code"] = resolve_values(secondary, "88.150.1/no such model")


def after_kill(secondary, result):
    say("7. SIGKILL, restart, resolve again")
    secondary.kill()
    secondary.start()
    identifiers = os.path.join(RUN, "samples", "identifiers.ndjson")
    every = max(1, result["registered"] // CHECKED_AFTER_KILL)
    done = secondary.idctl("compare", identifiers, "--every", str(every), "--most", str(CHECKED_AFTER_KILL), identity=False, check=False)
    print("  " + done.stdout + done.stderr, end="")
    compared = numbers(done.stdout)
    result["after_kill"] = compared["compared"]
    result["after_kill_different"] = compared["different"]


def succeeded(result, once):
    good = result["registered"] == result["resolved_back"] > 0 and result["different"] == 0
    good = good and result["pointer"] == "ok" and result["forwarded"] == "ok" and result["unknown_code"] == 100
    return good and (not once or (result["after_kill"] == CHECKED_AFTER_KILL and result["after_kill_different"] == 0))


def interrupt(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    # A shell that starts this in the background has Ctrl-C ignored; SIGTERM ends it in the same order.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(0 if main_job("--once" in sys.argv[1:]) else 1)
