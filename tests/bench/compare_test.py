"""What bench/compare makes of its rounds, and that it measures the real node and leaves nothing behind."""
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPARE = os.path.join(ROOT, "bench", "compare")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "bench"))
from comparison.processes import Processes  # noqa: E402
from comparison.report import markdown, svg  # noqa: E402
from comparison.rows import ROWS, Bench, Result, Round, Row  # noqa: E402


class Options:
    rounds, seconds, keys = 3, 1, 1000


class PlayedBench(Bench):
    """Rounds from a list instead of programs."""

    def __init__(self, rounds, left=1000):
        class Played:
            folder = "/nowhere"

            @staticmethod
            def left():
                return left
        super().__init__(Options, Played, "/nowhere")
        self.played = iter(rounds)
        self.against_echo = lambda _: next(self.played)

    @staticmethod
    def say(_):
        pass


def play(foreign, left=1000):
    """A round's ratio is its number: 1, 2, 3..."""
    rounds = [Round(1, i + 1, f) for i, f in enumerate(foreign)]
    return PlayedBench(rounds, left).run(Row("r", "udp", floor=0.15), [], [])


class Rounds(unittest.TestCase):
    def test_disturbed_rounds_are_dropped_and_repeated(self):
        result = play([0.05, 0.5, 0.1, 0.11, 0.0])
        self.assertEqual((result.ratios(), result.quiet, result.dropped), ([1, 3, 5], 3, 2))

    def test_never_quiet_is_said_and_ends(self):
        result = play([0.9, 0.3, 0.8, 0.2, 0.7, 0.4, 0.9, 0.9, 0.9])
        self.assertEqual((result.ratios(), result.quiet, result.dropped), ([2, 4, 6], 0, 6))

    def test_no_time_left_ends(self):
        self.assertEqual(len(play([0.9] * 9, left=5).rounds), 1)


class Floors(unittest.TestCase):
    def test_holds(self):
        def result(ratio, floor, at_most):
            return Result(Row("r", "udp", floor=floor, at_most=at_most), [Round(1, r, 0) for r in (ratio, 0, 1000)], 3, 0)
        for ratio, floor, at_most, held in ((0.15, 0.15, False, True), (0.149, 0.15, False, False), (6, 6, True, True),
                                            (6.01, 6, True, False), (0.0, None, False, True)):
            with self.subTest(ratio=ratio, floor=floor):
                self.assertEqual(result(ratio, floor, at_most).holds(), held)

    def test_every_promised_floor_is_a_row(self):
        floors = {(row.kind, row.floor) for row in ROWS if row.floor is not None}
        self.assertEqual(floors, {("udp", 0.15), ("tcp", 0.10), ("tcp", 0.80), ("batch", 0.60), ("registration", 6)})
        for kind in ("udp", "tcp"):
            rows = [row for row in ROWS if row.kind == kind]
            self.assertTrue(any("64" in row.load and "--sources" in row.load for row in rows))
            self.assertTrue(any("127.0.1.2" in row.load for row in rows))

    def test_report(self):
        good = Result(Row("good row", "udp", floor=0.15), [Round(100, 20, 0, 2, 8)] * 3, 3, 0)
        bad = Result(Row("bad row", "tcp", floor=0.80), [Round(100, 20, 0.5)] * 3, 1, 4)
        text = markdown([good, bad], ["knot: not there"], {"written": 70, "dropped": 7}, "a machine", Options, 3)
        self.assertRegex(text, r"\| good row \| echo 100/s \| 20/s \| 0.20 / \*\*0.20\*\* / 0.20 \| ≥ 0.15 \| yes \| 2.00 / 8.00 \| 3 of 3 \|")
        self.assertRegex(text, r"\| bad row .*\| \*\*no\*\* \| – \| 1 of 3 \|")
        self.assertIn("SKIP knot: not there", text)
        self.assertIn("compare: rows=2 floors=2 held=1 skipped=1 disturbed=1 access_lines=70 access_lines_dropped=7", text)
        plot = svg([good, bad])
        self.assertTrue(plot.startswith("<svg") and plot.rstrip().endswith("</svg>"))
        self.assertIn("good row", plot)


class Ends(unittest.TestCase):
    def test_programs_end_with_it(self):
        with tempfile.TemporaryDirectory() as folder:
            with Processes(folder, False, time.monotonic() + 60) as processes:
                sleeper = processes.start(["sleep", "600"], cpu=0)
            self.assertIsNotNone(sleeper.poll())


@unittest.skipUnless(os.environ.get("IDNODE_BUILD"), "IDNODE_BUILD is not set")
class Real(unittest.TestCase):
    def test_a_short_comparison(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([COMPARE, "--rounds", "1", "--seconds", "0.1", "--keys", "500", "--no-peers", "--minutes", "4",
                                   "--rows", "udp RocksDB from 1,tcp 8x16 from 1 source,signed", "--output", folder],
                                  capture_output=True, text=True, timeout=280)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            for row in ("udp RocksDB from 1 source", "udp RocksDB from 1 untrusted source", "tcp 8x16 from 1 source", "signed registration server CPU"):
                self.assertIn(f"| {row} |", done.stdout)
            self.assertRegex(done.stdout, r"compare: rows=4 floors=4 held=\d skipped=1 disturbed=\d access_lines=[1-9]\d* access_lines_dropped=\d+")
            self.assertEqual(os.listdir(folder), ["compare.svg"])
            self.assertEqual(running_in(folder), [])
            print(re.search(r"compare: .*", done.stdout).group(0))

    def test_bad_usage(self):
        for arguments, code in ((["--swim"], 2), (["--rounds", "0"], 2), (["--keys", "-1"], 2)):
            done = subprocess.run([COMPARE, *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, code, done)


def running_in(folder):
    """Processes whose command line names the folder."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                if folder.encode() in f.read():
                    found.append(entry)
        except OSError:
            continue
    return found


if __name__ == "__main__":
    unittest.main(verbosity=2)
