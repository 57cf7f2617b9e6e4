#!/usr/bin/env python3
"""Builds every fuzz target and runs each for some seconds: run.py [seconds per target] [target...]

Prints a line a target and one summary line. Exits 1 on a finding, and also when the control, a target with a
planted over-read, was NOT found: then the run proves nothing. Inputs that fail are kept in build/fuzz/findings. FUZZ_PRESET
names another preset that builds the targets (asan: the same instrumentation, shared with its tests).
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import seeds

ROOT = seeds.ROOT
PRESET = os.environ.get("FUZZ_PRESET", "fuzz")
BUILD = ROOT / "build" / PRESET
FINDINGS = BUILD / "findings"
CONTROL = "control"


def build():
    jobs = str(os.cpu_count() or 1)
    subprocess.run(["cmake", "--preset", PRESET], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", PRESET, "-j", jobs, "--target", "fuzz_targets"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    lines = (BUILD / "tests/fuzz_targets.txt").read_text().split()
    return [line.removeprefix("fuzz_") for line in lines]


def number(pattern, text, default=0):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else default


def run(target, seconds):
    corpus = BUILD / "corpus" / target
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    folder = BUILD / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = FINDINGS / target
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [str(BUILD / "tests" / f"fuzz_{target}"), f"-max_total_time={seconds}", "-timeout=10",
               "-rss_limit_mb=1024", "-malloc_limit_mb=64", "-print_final_stats=1", "-max_len=8192",
               f"-artifact_prefix={artifacts}/", str(corpus), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, timeout=seconds + 120)
    log = done.stdout
    return {
        "target": target,
        "executions": number(r"stat::number_of_executed_units:\s*(\d+)", log) or number(r"#(\d+)", log),
        "edges": number(r"cov: (\d+)", log),
        "seconds": number(r"Done \d+ runs in (\d+) second", log),
        "found": done.returncode != 0,
        "why": (re.findall(r"SUMMARY: (.*)", log) or [f"exit {done.returncode}"])[-1],
        "inputs": sorted(p.name for p in artifacts.iterdir()),
    }


def control_was_found(result):
    """Found for the planted reason, not because the program could not run."""
    return result["found"] and "buffer-overflow" in result["why"]


def main(arguments):
    seconds = int(arguments[0]) if arguments else 6
    targets = build()
    unknown = set(arguments[1:]) - set(targets)
    if unknown:
        sys.exit(f"run.py: no such target: {', '.join(sorted(unknown))}")
    chosen = [t for t in targets if not arguments[1:] or t in arguments[1:]]
    if CONTROL not in chosen:
        chosen.append(CONTROL)
    shutil.rmtree(FINDINGS, ignore_errors=True)
    shutil.rmtree(BUILD / "seeds", ignore_errors=True)
    counts = seeds.write(BUILD / "seeds")

    executions = findings = targets_run = 0
    control = "missed"
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for result in pool.map(lambda t: run(t, seconds), chosen):
            name = result["target"]
            if name == CONTROL:
                control = "found" if control_was_found(result) else "missed"
                continue
            targets_run += 1
            executions += result["executions"]
            findings += result["found"]
            print(f"  {name:<14} seeds={counts.get(name, 0)} executions={result['executions']} "
                  f"edges={result['edges']} seconds={result['seconds']}"
                  + (f" FINDING {result['why']} {' '.join(result['inputs'])}" if result["found"] else ""),
                  flush=True)
    print(f"fuzz: targets={targets_run} executions={executions} findings={findings} control={control}")
    return 0 if findings == 0 and control == "found" and executions > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
