#!/usr/bin/env python3
"""The summary lines of a test run: summary.py LOG...

A test program says what it did in lines `part: key=value ...`. They are printed sorted, each once. What concerns
durability, spread over several programs, is added up into one line first.
"""
import re
import sys

PARTS = ("vectors", "truncations", "fuzz", "model", "scenarios", "cells", "malformed", "transcripts", "format", "layering",
         "interop", "system", "upstream", "linear", "races", "instructions", "load", "conform", "compare", "kills", "durability")
COUNTED = ("kills", "cuts", "seeds", "faults", "flips", "acked", "lost", "torn", "silent", "control_lost", "skipped")
CTEST = re.compile(r"^\s*\d+: ")


def lines_of(paths):
    for path in paths:
        with open(path, errors="replace") as log:
            for line in log:
                line = CTEST.sub("", line).rstrip()
                if line.partition(":")[0] in PARTS and ": " in line:
                    yield line


def durability(lines):
    """One line of sums. The same line seen twice (a test that also runs under a sanitizer) counts once."""
    sums = dict.fromkeys(COUNTED, 0)
    seen = False
    for line in lines:
        if not line.startswith(("durability: ", "kills: ")):
            continue
        seen = True
        for key, value in re.findall(r"(\w+)=(\d+)\b", line):
            if key in sums and (key == "control_lost" or not line.startswith("durability: control ")):
                sums[key] += int(value)
    return "durability: " + " ".join(f"{key}={value}" for key, value in sums.items()) if seen else None


def main(paths):
    lines = sorted(set(lines_of(paths)))
    for line in lines:
        print(line)
    total = durability(lines)
    if total:
        print(total)


if __name__ == "__main__":
    main(sys.argv[1:])
