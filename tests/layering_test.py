#!/usr/bin/env python3
"""One direction of dependency, one home for each third-party library, files of a readable size.

protocol <- storage <- resolver/logic <- resolver/net <- resolver/app <- ops/ctl, bench, tests

Prints every violation as file:line and exits 1 when there is one. With --self-test it proves on planted
violations that each rule can fail.
"""
import os
import re
import subprocess
import sys
import tempfile

LAYERS = ["protocol", "storage", "resolver/logic", "resolver/net", "resolver/app"]
TOP = ["ops/ctl", "bench", "tests"]  # above all layers; see TOP_MAY for what ops/ctl and bench may use

# Third-party header pattern -> folders that may include it.
HOMES = [
    (r"openssl/", ["protocol/crypto", "resolver/net/tls", "tests"]),
    (r"rocksdb/", ["storage", "tests", "bench"]),
    (r"boost/(asio|beast)", ["resolver/net", "resolver/app", "ops/ctl", "tests", "bench"]),
    (r"toml\+\+", ["resolver/app"]),
    (r"spdlog/", ["resolver/app"]),
    (r"prometheus/", ["resolver/app"]),
    (r"CLI/", ["resolver/app", "ops/ctl", "bench"]),
    (r"expat", ["resolver/logic"]),
]
WALL = 800
EXTENSIONS = (".h", ".cc")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    for name in LAYERS + TOP:
        if path.startswith(name + "/"):
            return name
    return None


def rank(layer):
    return LAYERS.index(layer) if layer in LAYERS else len(LAYERS)


def check(root, files):
    problems = []
    for path in files:
        own = layer_of(path)
        with open(os.path.join(root, path), encoding="utf-8") as f:
            lines = f.read().splitlines()
        if len(lines) > WALL:
            problems.append(f"{path}:{len(lines)}: over the wall of {WALL} lines; split it")
        if own is None:
            problems.append(f"{path}:1: belongs to no layer ({', '.join(LAYERS + TOP)})")
            continue
        for number, line in enumerate(lines, 1):
            if "atomic_thread_fence" in line:
                problems.append(f"{path}:{number}: atomic_thread_fence is invisible to TSan; use acquire/release")
            found = INCLUDE.match(line)
            if not found:
                continue
            kind, target = found.groups()
            for pattern, homes in HOMES:
                if re.match(pattern, target) and not any(path.startswith(h) for h in homes):
                    problems.append(f"{path}:{number}: {target} lives only in {', '.join(homes)}")
            if kind == '"':
                other = layer_of(target)
                if other is None:
                    problems.append(f"{path}:{number}: {target} is not spelled from the root")
                elif rank(other) > rank(own):
                    problems.append(f"{path}:{number}: {own} includes {target} of a higher layer")
                elif own in ("ops/ctl", "bench") and other in TOP and other != own:
                    problems.append(f"{path}:{number}: {own} includes {target} of another program")
    return problems


def self_test():
    planted = {
        "protocol/a.cc": '#include "storage/b.h"\n',
        "storage/b.h": "#include <openssl/evp.h>\n",
        "resolver/logic/c.cc": "#include <boost/asio.hpp>\n",
        "resolver/net/d.cc": "\n" * (WALL + 1),
        "resolver/net/e.cc": "std::atomic_thread_fence(std::memory_order_seq_cst);\n",
        "resolver/net/f.cc": '#include "d.h"\n',
    }
    with tempfile.TemporaryDirectory() as root:
        for path, text in planted.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        found = check(root, sorted(planted))
    missed = [p for p in planted if not any(line.startswith(p + ":") for line in found)]
    return [f"{p}: planted violation was not found" for p in missed]


def sources(root):
    """C++ files that belong to the project: what git tracks or would; without git, everything but what is built."""
    command = ["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        listed = [os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names]
    return {p for p in listed if p.endswith(EXTENSIONS) and not p.startswith(("build/", "var/")) and os.path.exists(os.path.join(root, p))}


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = sorted(sources(root))
    problems = self_test() + check(root, files)
    for line in problems:
        print(line)
    print(f"layering: {len(files)} files checked, {len(problems)} problems")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
