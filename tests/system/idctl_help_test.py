#!/usr/bin/env python3
"""The manual page and the shell completion name every command and option that idctl has, and none that it has not."""
import os
import re
import subprocess
import sys

from harness import IDCTL

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPTION = re.compile(r"--[a-z][a-z-]+")
COMMANDS = re.compile(r"^  ([a-z]+)  ", re.M)


def help_of(*words):
    return subprocess.run([IDCTL, *words, "--help"], capture_output=True, text=True, check=True, timeout=20).stdout


def read(name):
    with open(os.path.join(ROOT, "ops", "deploy", name), encoding="utf-8") as f:
        return f.read()


def main():
    commands, options = set(), set(OPTION.findall(help_of()))
    for command in COMMANDS.findall(help_of().split("Subcommands:")[1]):
        commands.add(command)
        text = help_of(command)
        options |= set(OPTION.findall(text))
        if "Subcommands:" in text:
            for sub in COMMANDS.findall(text.split("Subcommands:")[1]):
                commands.add(f"{command} {sub}")
                options |= set(OPTION.findall(help_of(command, sub)))
    options -= {"--help", "--help-all"}
    manual = read("idctl.1").replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
    completion = read("idctl.bash")
    problems = []
    for option in sorted(options):
        problems += [f"{option} is not in {name}" for name, text in (("the manual page", manual), ("the completion", completion))
                     if not re.search(re.escape(option) + r"(?![a-z-])", text)]
    for option in sorted(set(OPTION.findall(completion)) - options - {"--help"}):
        problems.append(f"{option} is completed but idctl does not have it")
    for command in sorted(commands):
        problems += [] if command.replace('"', "") in manual.replace('"', "") else [f"{command} is not in the manual page"]
        problems += [] if command.split()[-1] in completion else [f"{command} is not in the completion"]
    print("\n".join(problems + [f"idctl: {len(commands)} commands, {len(options)} options, {len(problems)} problems"]))
    return 1 if problems or len(commands) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
