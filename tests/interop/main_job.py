"""The reference Java client on a national node, a secondary and an enterprise's node: once as it comes, once with sessions off.

The program's transcript must be the one kept in tests/golden/interop/main_job.txt, the same for both runs except for the parts that
only one of them has. After a change that is meant, IDNODE_BLESS=1 writes the file anew, when no step failed: read the difference before
it is committed.
"""
import collections
import itertools
import os
import re
import subprocess
import sys
import threading
import urllib.request

from harness import Node

PREFIX = "88.118"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, "tests", "golden", "interop", "main_job.txt")
BLESS = os.environ.get("IDNODE_BLESS") == "1"
# Parts of the transcript that only one run has.
ONLY = {"default": ("wire:", "wire, all encrypted:", "recovery:", "afterwards "), "off": ("bare wire:",)}
SECONDS = 300


def say(text):
    """One write: the parts run side by side, and their lines must stay whole."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def expected(lines, sessions):
    other = ONLY["off" if sessions == "default" else "default"]
    return [line for line in lines if not line.startswith(other)]


def first_difference(wanted, got):
    """None, or what differs first."""
    for number, (want, have) in enumerate(itertools.zip_longest(wanted, got), 1):
        if want != have:
            return f"line {number} of the transcript\n  kept: {want}\n  now:  {have}"
    return None


def start_nodes(folder):
    """National, secondary, enterprise: the national one knows of the secondary only, and that it knows what lies below."""
    national = Node(os.path.join(folder, "national"), ["88"], name="national").start()
    nodes = [national]
    try:
        # The program is many clients at one address.
        tables = {"upstream": {"servers": [national.endpoint]}, "limits": {"trusted": ["127.0.0.0/8"]}}
        secondary = Node(os.path.join(folder, "secondary"), [PREFIX], tables=tables, name="secondary").start()
        nodes.append(secondary)
        enterprise = Node(os.path.join(folder, "enterprise"), [f"{PREFIX}.7"], name="enterprise").start()
        nodes.append(enterprise)
        national.idctl("prefix", "add", PREFIX, "--pointer", secondary.endpoint)
        for hosted in (f"{PREFIX}.5", f"{PREFIX}.6"):
            secondary.idctl("prefix", "add", hosted, "--hosted")
        secondary.idctl("prefix", "add", f"{PREFIX}.7", "--pointer", enterprise.endpoint)
        enterprise.idctl("create", f"{PREFIX}.7/CHAIR-1", "--value", "1:NAME=Folding chair", "--value", "2:NAME_ZH=折叠椅")
        # It comes back at the place its site record names.
        secondary.write_config({**secondary.settings, "listen": {**secondary.settings["listen"], "handle": [secondary.endpoint]}})
        return nodes
    except BaseException:
        for node in nodes:
            node.kill()
        raise


def requests(node):
    """What the node counted: sessions set up, and resolutions over UDP."""
    with urllib.request.urlopen(f"http://127.0.0.1:{node.admin_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    counted = collections.Counter()
    for labels, count in re.findall(r"^idnode_requests_total\{([^}]*)\} (\S+)$", text, re.MULTILINE):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        counted["sessions"] += int(float(count)) if (label["operation"], label["code"]) == ("session_setup", "1") else 0
        counted["udp"] += int(float(count)) if (label["operation"], label["transport"]) == ("resolve", "udp") else 0
    return counted


def run_program(class_path, sessions, nodes, transcript):
    """Returns (passed, failed, what the secondary counted), and serves the program's wishes meanwhile."""
    _, secondary, _ = nodes
    command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", class_path, "idnode.MainJob", sessions, *(node.endpoint for node in nodes), PREFIX,
               os.path.join(secondary.keys, "admin.bin"), transcript]
    passed, failed, counted = 0, 1, collections.Counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        deadline = threading.Timer(SECONDS, program.kill)
        deadline.start()
        try:
            for line in program.stdout:
                if line.startswith("RESTART"):
                    counted += requests(secondary)
                    secondary.stop()
                    secondary.start()
                    program.stdin.write("done\n")
                    program.stdin.flush()
                elif line.startswith("RESULT "):
                    passed, failed = map(int, line.split()[1:])
                else:
                    say(line.rstrip("\n"))
        finally:
            deadline.cancel()
            program.kill()
    return passed, failed, counted + requests(secondary)


def main_job(class_path, folder, sessions):
    """One run on fresh nodes; True when everything was as kept."""
    nodes = start_nodes(folder)
    try:
        transcript = os.path.join(folder, "transcript.txt")
        passed, failed, counted = run_program(class_path, sessions, nodes, transcript)
    finally:
        for node in reversed(nodes):
            node.kill()
    checks = [(f"sessions={sessions}: {counted['sessions']} sessions set up at the secondary", (counted["sessions"] > 0) == (sessions == "default")),
              (f"sessions={sessions}: {counted['udp']} resolutions over UDP", counted["udp"] > 0),
              compare(transcript, sessions, bless_it=BLESS and failed == 0)]
    for what, good in checks:
        passed, failed = (passed + 1, failed) if good else (passed, failed + 1)
        if not good:
            say(f"FAILED {what}")
    say(f"interop: java-client=9.3.1 passed={passed} failed={failed} sessions={sessions}")
    return failed == 0


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def compare(transcript, sessions, bless_it):
    got = read_lines(transcript)
    if bless_it:
        bless(got, sessions)
    wanted = expected(read_lines(GOLDEN), sessions)
    difference = first_difference(wanted, got)
    return f"transcript with sessions={sessions}: {difference}", bool(wanted) and difference is None


def bless(got, sessions):
    """What this run has, and what only the other one has."""
    kept = read_lines(GOLDEN)
    common = [line for line in got if not line.startswith(ONLY["default"] + ONLY["off"])]
    own = {run: [line for line in (got if run == sessions else kept) if line.startswith(ONLY[run])] for run in ONLY}
    os.makedirs(os.path.dirname(GOLDEN), exist_ok=True)
    with open(GOLDEN, "w", encoding="utf-8") as f:
        f.write("\n".join(common + own["default"] + own["off"]) + "\n")


def control():
    """A transcript that differs is found, with its line."""
    wanted = ["a", "b", "c"]
    return (first_difference(wanted, list(wanted)) is None and "line 2" in first_difference(wanted, ["a", "x", "c"])
            and "line 3" in first_difference(wanted, wanted[:2]) and "line 4" in first_difference(wanted, wanted + ["d"]))
