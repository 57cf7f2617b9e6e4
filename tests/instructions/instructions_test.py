#!/usr/bin/env python3
"""How many instructions an operation of the release build takes, against tests/golden/instructions.tsv.

    instructions_test.py DRIVER [--renew]

Runs DRIVER (driver.cc) under callgrind with two numbers of operations; the difference is what operations
cost. Instructions in libcrypto are left out: they depend on what the processor offers, and signatures would
hide everything else. Fails when an operation takes over 5 % more than the golden file says, or when the
negative control, an operation that is done twice, is not noticed.
"""
import os
import re
import subprocess
import sys
import tempfile

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "instructions.tsv")
COUNTS = {"udp": (64, 4160), "tcp": (64, 4160), "create": (20, 420)}
WORST = 5.0


def counted(driver, arguments, folder):
    """Instructions of one run, but for those in libcrypto."""
    out = os.path.join(folder, "callgrind.out")
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, "-q", driver, *arguments]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    subprocess.run(command, check=True, env=environment, timeout=600)
    return sum_of(out)


def sum_of(path):
    """Self costs of a callgrind file. After a calls= line comes the cost of what was called: not ours."""
    names, total, skip, ours = {}, 0, False, True
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("ob="):
                number, name = re.match(r"ob=(\(\d+\))(?: (.*))?", line).groups()
                name = names.setdefault(number, name or "")
                ours = "libcrypto" not in name
            elif line.startswith("cob="):
                number, name = re.match(r"cob=(\(\d+\))(?: (.*))?", line).groups()
                names.setdefault(number, name or "")
            elif line.startswith("calls="):
                skip = True
            elif line[:1] in "0123456789+-*":
                if not skip and ours:
                    total += int(line.split()[1])
                skip = False
    return total


def cost(driver, kind, folder, times=1):
    few, many = COUNTS[kind]
    runs = [counted(driver, [kind, str(n), str(times)], folder) for n in (few, many)]
    return round((runs[1] - runs[0]) / (many - few))


def read_golden():
    with open(GOLDEN, encoding="utf-8") as lines:
        rows = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return {kind: int(number) for kind, number in rows}


def renew(driver, folder):
    with open(GOLDEN, "w", encoding="utf-8") as out:
        out.write("# Instructions an operation, callgrind, release preset, without libcrypto.\n"
                  "# Renewed by: tests/instructions/instructions_test.py build/release/tests/instruction_driver --renew\n")
        for kind in COUNTS:
            out.write(f"{kind}\t{cost(driver, kind, folder)}\n")


def growth(now, before):
    return 100.0 * (now - before) / before


def main():
    driver = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        if "--renew" in sys.argv:
            renew(driver, folder)
            return 0
        golden = read_golden()
        now = {kind: cost(driver, kind, folder) for kind in COUNTS}
        worst = max(growth(now[kind], golden[kind]) for kind in COUNTS)
        control = growth(cost(driver, "udp", folder, times=2), golden["udp"])
    print("instructions: " + " ".join(f"{kind}={now[kind]}" for kind in COUNTS) +
          f" worst_growth={worst:.1f}% control_growth={control:.0f}%")
    for kind in COUNTS:
        if growth(now[kind], golden[kind]) > WORST:
            print(f"instructions: {kind} takes {now[kind]}, golden {golden[kind]}: renew by running "
                  f"{os.path.relpath(__file__)} {os.path.relpath(driver)} --renew in the same commit, and say why")
    if control <= WORST:
        print("instructions: the control, which does everything twice, was not noticed")
    return 1 if worst > WORST or control <= WORST else 0


if __name__ == "__main__":
    sys.exit(main())
