#!/usr/bin/env python3
"""The reference Java client (Maven Central, net.handle:handle-client) against real nodes.

First one node over TCP and UDP: it trusts the client's source, so that large answers come over UDP as well. Then the main job on three
nodes (main_job.py).
"""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "system")]
import main_job  # noqa: E402
from harness import Node  # noqa: E402

RUNS = ("default", "off")

LARGE_VALUES = 10
LARGE_VALUE_OCTETS = 20_000


def compile_client(folder):
    """Compiles outside the source tree; returns the class path."""
    project = os.path.join(folder, "interop")
    shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("target", "*.py", "__pycache__"))
    subprocess.run(["mvn", "-q", "-B", "compile", "dependency:copy-dependencies", "-DincludeScope=runtime"], cwd=project, check=True,
                   timeout=600)
    return os.path.join(project, "target", "classes") + ":" + os.path.join(project, "target", "dependency", "*")


def text(index, kind, value, **more):
    return {"index": index, "type": kind, "data": {"format": "string", "value": value}, **more}


def records(prefix, administrator):
    large = [text(i, "BLOB", chr(ord("a") + i % 26) * LARGE_VALUE_OCTETS) for i in range(1, LARGE_VALUES + 1)]
    yield {"handle": f"{prefix}/CHAIR", "values": [text(1, "URL", "https://example.com/chair"), text(2, "NAME_ZH", "扶手椅"),
                                                   text(3, "CATEGORY", "Office")]}
    yield {"handle": f"{prefix}/CHAIR-LARGE", "values": large}
    yield {"handle": f"{prefix}/OWNER", "values": [
        {"index": 100, "type": "HS_ADMIN", "data": {"format": "admin", "value": {
            "handle": f"{prefix}/OWNER", "index": 301, "permissions": "111111111111"}}},
        text(301, "HS_SECKEY", "open sesame", permissions="1100")]}


def one_node(class_path, folder):
    node = Node(os.path.join(folder, "node"), tables={"limits": {"trusted": ["127.0.0.0/8"]}})
    with node:
        node.idctl("prefix", "add", "88.118.5", "--hosted")
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records("88.118.5", node.administrator))
        node.idctl("import", "-", input=lines)
        # The owner of a secret administers the prefix too.
        node.idctl("add", "0.NA/88.118.5", "--value", "101:HS_ADMIN=301:*:88.118.5/OWNER")
        result = subprocess.run(
            ["java", "-Xmx256m", "-cp", class_path, "idnode.Interop", "127.0.0.1", str(node.port), "88.118",
             os.path.join(node.keys, "admin.bin"), "88.118/ADMIN", "open sesame", "88.118.5/OWNER",
             str(LARGE_VALUES * LARGE_VALUE_OCTETS)], timeout=300, stdout=subprocess.PIPE, text=True)
        main_job.say(result.stdout.rstrip("\n"))
        return result.returncode == 0


def main():
    with tempfile.TemporaryDirectory(prefix="idnode-interop-") as folder:
        class_path = compile_client(folder)
        # Each part has nodes of its own. The kept transcript is written by one at a time.
        with concurrent.futures.ThreadPoolExecutor(1 if main_job.BLESS else 2) as pool:
            parts = [pool.submit(main_job.main_job, class_path, os.path.join(folder, sessions), sessions) for sessions in RUNS]
            parts.append(pool.submit(one_node, class_path, folder))
        return 0 if all(part.result() for part in parts) and main_job.control() else 1


if __name__ == "__main__":
    sys.exit(main())
