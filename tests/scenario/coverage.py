#!/usr/bin/env python3
"""What the tests reach of the binary protocol: operations x response codes, and the behaviours easily got wrong.

    tests/scenario/coverage.py SCENARIO_TEST            compares with COVERAGE.md; what is missing, what is stale
    tests/scenario/coverage.py SCENARIO_TEST --renew    writes COVERAGE.md
    tests/scenario/coverage.py SCENARIO_TEST --without FILE...   as if these scenarios were not there

SCENARIO_TEST is the built runner (build/dev/tests/scenario_test). Cells come from what it says was reached, not
from a list: cells.tsv says what BEHAVIOUR.md lets an operation answer, and why the rest is never reached.
Behaviours are those of BEHAVIOUR.md §20; a test names one as "BEHAVIOUR §20.N" in a comment on what shows it.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REPORT = os.path.join(HERE, "COVERAGE.md")
TAG = re.compile(r"BEHAVIOUR §20\.(\d+)")
COMMENT = {".scn": "#", ".cc": "//", ".h": "//", ".py": "#", ".java": "//"}
RENEW = "run tests/scenario/coverage.py build/dev/tests/scenario_test --renew"


def rows(name, columns):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.startswith("#") or not line.strip():
                continue
            row = line.rstrip("\n").split("\t")
            if len(row) != columns:
                sys.exit(f"{name}:{number}: {columns} columns are needed")
            yield row


def enumerators(name):
    """Numbers and names of an enum of protocol/handle/codes.h."""
    with open(os.path.join(ROOT, "protocol/handle/codes.h"), encoding="utf-8") as f:
        body = re.search(r"enum class %s .*?\{(.*?)\}" % name, f.read(), re.S).group(1)
    return {number: word for word, number in re.findall(r"k(\w+) = (\d+)", body)}


def run(runner):
    """What the runner saw: rows of opcode, code, FILE:LINE, "seen" or "expected"."""
    done = subprocess.run([runner, "--reached"], capture_output=True, text=True)
    if done.returncode != 0:
        failures = [line for line in done.stdout.splitlines() if "\t" not in line]
        sys.exit("\n".join(failures + [done.stderr, "coverage: the scenarios fail"]))
    return [line.split("\t") for line in done.stdout.splitlines()]


def by_cell(ran, without):
    """(opcode, code) -> places, of what the scenarios expected and of all that came back."""
    asserted, seen = {}, {}
    for opcode, code, place, how in ran:
        if place.rsplit(":", 1)[0] in without:
            continue
        (asserted if how == "expected" else seen).setdefault((opcode, code), []).append(place)
    for places in list(asserted.values()) + list(seen.values()):
        places.sort(key=lambda p: (p.rsplit(":", 1)[0], int(p.rsplit(":", 1)[1])))
    return asserted, seen


class Cells:
    def __init__(self, asserted, seen):
        self.codes = ["none"] + [c for c in enumerators("ResponseCode") if c != "0"]
        self.names = enumerators("OpCode")
        self.opcodes = list(self.names) + ["other"]
        self.rules = {(op, code): (section, reason) for op, code, section, reason in rows("cells.tsv", 4)}
        self.reached = self.by_row(asserted)
        self.seen = self.by_row(seen)

    def by_row(self, found):
        out = {}
        for (opcode, code), places in sorted(found.items()):
            row = opcode if opcode in self.names else "other"
            out.setdefault((row, code), []).extend(places)
        return out

    def key(self, opcode, code):
        return next((k for k in [(opcode, code), (opcode, "*"), ("*", code)] if k in self.rules), None)

    def rule(self, opcode, code):
        return self.rules.get(self.key(opcode, code))

    def problems(self):
        out = []
        for opcode in self.opcodes:
            for code in self.codes:
                rule = self.rule(opcode, code)
                if rule is None:
                    out.append(f"cells.tsv: nothing is said about opcode {opcode}, code {code}")
                elif rule[1] == "-" and (opcode, code) not in self.reached:
                    out.append(f"opcode {opcode}, code {code} (§{rule[0]}): no scenario expects it")
        for (opcode, code), places in sorted((self.reached | self.seen).items()):
            rule = self.rule(opcode, code)
            if rule is None or rule[1] != "-":
                why = "not a response code" if rule is None else f"cells.tsv says: {rule[1]}"
                out.append(f"{places[0]}: opcode {opcode} answers {code}; {why}")
        used = {self.key(opcode, code) for opcode in self.opcodes for code in self.codes}
        for opcode, code in self.rules:
            if (opcode, code) not in used:
                out.append(f"cells.tsv: the line of opcode {opcode}, code {code} is about no cell")
        return out

    def empty(self):
        return [(o, c) for o in self.opcodes for c in self.codes if (o, c) not in self.reached]

    def name(self, opcode):
        if opcode == "other":
            return "other"
        return opcode + " " + re.sub(r"(?<!^)(?=[A-Z])", " ", self.names[opcode]).lower()

    def report(self):
        yield "| opcode | " + " | ".join(self.codes) + " |"
        yield "|---" * (len(self.codes) + 1) + "|"
        for opcode in self.opcodes:
            marks = ["●" if (opcode, code) in self.reached else " " for code in self.codes]
            yield f"| {self.name(opcode)} | " + " | ".join(marks) + " |"
        yield ""
        yield "### Reached"
        yield ""
        yield "| opcode | code | BEHAVIOUR.md | first scenario | times |"
        yield "|---|---|---|---|---|"
        for opcode in self.opcodes:
            for code in self.codes:
                places = self.reached.get((opcode, code))
                if places:
                    section = self.rule(opcode, code)[0]
                    yield f"| {self.name(opcode)} | {code} | §{section} | {places[0]} | {len(places)} |"
        yield ""
        yield "### Empty"
        yield ""
        yield "| code | BEHAVIOUR.md | opcodes | why |"
        yield "|---|---|---|---|"
        groups = {}
        for opcode, code in self.empty():
            section, reason = self.rule(opcode, code)
            groups.setdefault((section, reason), {}).setdefault(code, []).append(opcode)
        for (section, reason), codes in groups.items():
            same = len({tuple(o) for o in codes.values()}) == 1
            for columns, opcodes in [(list(codes), list(codes.values())[0])] if same else [([c], o) for c, o in codes.items()]:
                yield f"| {', '.join(columns)} | §{section} | {', '.join(opcodes)} | {reason} |"


# The items of §20: number -> text.
def items():
    with open(os.path.join(ROOT, "resolver/BEHAVIOUR.md"), encoding="utf-8") as f:
        section = f.read().split("\n## 20.", 1)[1].split("\n## ", 1)[0]
    return {int(n): text for n, text in re.findall(r"^(\d+)\. (.*)$", section, re.M)}


def test_files():
    for folder, folders, files in os.walk(os.path.join(ROOT, "tests")):
        folders.sort()
        for name in sorted(files):
            if os.path.splitext(name)[1] in COMMENT:
                path = os.path.join(folder, name)
                if path != os.path.abspath(__file__):
                    yield path


def shown_by_scenario(lines, number, places):
    """Whether a line that expects something stands between the tag and the next comment."""
    while number < len(lines) and lines[number].startswith("#"):
        number += 1
    while number < len(lines) and not lines[number].startswith("#"):
        if number + 1 in places:
            return True
        number += 1
    return False


def shown_by_test(lines, number):
    """The name of the GoogleTest that a tag stands in or directly above."""
    test = re.compile(r"^(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP)\((\w+), (\w+)")
    inside = None
    for line in lines[: number]:
        found = test.match(line)
        inside = found or (None if line.startswith("}") else inside)
    below = number
    while inside is None and below < len(lines) and lines[below].startswith("//"):
        below += 1
    found = inside or (test.match(lines[below]) if below < len(lines) else None)
    return f"{found.group(1)}.{found.group(2)}" if found else None


class Behaviours:
    def __init__(self, asserted):
        self.items = items()
        self.reasons = {int(n): reason for n, reason in rows("behaviours.tsv", 2)}
        self.tests = {}
        self.wrong = []
        places = {}
        for place in (p for each in asserted.values() for p in each):
            name, line = place.rsplit(":", 1)
            places.setdefault(name, set()).add(int(line))
        for path in test_files():
            self.scan(path, places)

    def scan(self, path, places):
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
        kind = os.path.splitext(path)[1]
        short = os.path.relpath(path, ROOT)
        for number, line in enumerate(lines, 1):
            before, mark, comment = line.partition(COMMENT[kind])
            for item in TAG.findall(comment) if mark else []:
                where, shown = f"{short}:{number}", True
                if kind == ".scn":
                    shown = shown_by_scenario(lines, number, places.get(os.path.basename(path), set()))
                elif kind in (".cc", ".h"):
                    name = shown_by_test(lines, number)
                    shown = name is not None
                    # Without the line: whoever changes the file would have to renew the report.
                    where = f"{short} {name}" if shown else where
                if shown:
                    self.tests.setdefault(int(item), []).append(where)
                else:
                    self.wrong.append(f"{where}: names §20.{item} where no test is")

    def problems(self):
        out = list(self.wrong)
        for n, text in self.items.items():
            if n not in self.tests and n not in self.reasons:
                out.append(f"§20.{n}: neither a test names it nor behaviours.tsv says why not: {text[:80]}")
            if n in self.tests and n in self.reasons:
                out.append(f"§20.{n}: named by {self.tests[n][0]}, and behaviours.tsv says why no test does")
        for n in sorted((set(self.tests) | set(self.reasons)) - set(self.items)):
            out.append(f"§20.{n}: there is no such item")
        return out

    def report(self):
        yield "| §20 | behaviour | tests |"
        yield "|---|---|---|"
        for n, text in self.items.items():
            tests = "<br>".join(self.tests.get(n, [])) or "none: " + self.reasons.get(n, "?")
            yield f"| {n} | {re.split(r'[.;:] ', text)[0].rstrip('.').replace('|', '/')} | {tests} |"


def report(cells, behaviours):
    lines = [
        "# What the tests reach",
        "",
        f"Written by `tests/scenario/coverage.py`; to renew it, {RENEW}.",
        "",
        "## Operations and response codes",
        "",
        "A mark: a scenario expects the code for the operation. What answers a challenge (opcode 200) counts for the",
        "operation that it carries out, whose opcode the answer has; row 200 is what has only that opcode. `none`: no",
        "answer. Row 0: octets from which no opcode could be read, or 0. Sections are those of `resolver/BEHAVIOUR.md`.",
        "",
    ]
    lines += cells.report()
    lines += ["", "## Behaviours easily got wrong (BEHAVIOUR.md §20)", ""]
    lines += behaviours.report()
    return "\n".join(lines) + "\n"


def check(ran, without):
    asserted, seen = by_cell(ran, without)
    return Cells(asserted, seen), Behaviours(asserted)


def control(ran):
    """Plants what the checks must find: a scenario that is not there, and a cell that nobody listed."""
    left_out = "mirror.scn"
    cells, behaviours = check(ran, [left_out])
    found = [
        any("opcode 1000, code 301 (" in p for p in cells.problems()),
        any(left_out in p for p in behaviours.problems()),
    ]
    del cells.rules[("1", "1")]
    found.append(any("opcode 1 answers 1; cells.tsv says" in p for p in cells.problems()))
    found.append(any(p.startswith("§20.30: neither") for p in behaviours.problems()))
    return "found" if all(found) else "missed"


def main():
    arguments = sys.argv[1:]
    if not arguments or arguments[0].startswith("-"):
        sys.exit(__doc__)
    runner = arguments[0]
    without = arguments[arguments.index("--without") + 1 :] if "--without" in arguments else []
    ran = run(runner)
    cells, behaviours = check(ran, without)
    problems = cells.problems() + behaviours.problems()
    text = None if problems else report(cells, behaviours)
    if text is not None and "--renew" in arguments:
        with open(REPORT, "w", encoding="utf-8") as f:
            f.write(text)
    old = open(REPORT, encoding="utf-8").read() if os.path.exists(REPORT) else ""
    if text is not None and text != old:
        problems.append(f"COVERAGE.md is stale: {RENEW}")
    for problem in problems:
        print(problem)
    found = "-" if without else control(ran)
    print(f"cells: opcodes={len(cells.opcodes)} reached={len(cells.reached)} empty_with_reason={len(cells.empty())} "
          f"behaviours={len(behaviours.tests)} control={found}")
    return 1 if problems or found == "missed" else 0


if __name__ == "__main__":
    sys.exit(main())
