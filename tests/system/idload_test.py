"""idload against the real node, and against a server that lies."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, Node  # noqa: E402

IDLOAD = os.path.join(BUILD, "idload")
PATTERN = "88.118/L{:07}"
KEYS = 300


def idload(*arguments, timeout=120):
    return subprocess.run([IDLOAD, *arguments], capture_output=True, text=True, timeout=timeout)


class Echo:
    """The echo server as a planted liar: it answers, and never what was asked."""

    def __init__(self, transport):
        self.process = subprocess.Popen([IDLOAD, "echo-server", transport, "--listen", "127.0.0.1:0", "--answer-bytes", "300"],
                                        stderr=subprocess.PIPE, text=True)
        ready = self.process.stderr.readline()
        assert ready.startswith("READY "), ready
        self.endpoint = ready.split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.code = self.process.wait(10)
        finally:
            self.process.kill()
            self.process.stderr.close()


class Idload(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="idload-")
        cls.node = Node(folder=cls.folder, tables={"limits": {"trusted": ["127.0.0.0/8"]}})
        filled = idload("fill", "--config", cls.node.config, "--pattern", PATTERN, "--keys", str(KEYS))
        assert filled.returncode == 0 and filled.stdout.startswith(f"filled={KEYS} failed=0 "), filled
        cls.node.start()

    @classmethod
    def tearDownClass(cls):
        cls.node.kill()
        shutil.rmtree(cls.folder)

    def resolve(self, *arguments, target=None, pattern=PATTERN, keys=KEYS):
        done = idload("resolve", "--target", target or self.node.endpoint, "--pattern", pattern, "--keys", str(keys),
                      "--seconds", "0.3", "--warmup", "0.05", "--json", *arguments)
        self.assertEqual(done.stderr, "")
        return done.returncode, json.loads(done.stdout)

    def test_every_answer_of_the_node_is_right(self):
        for arguments in (["--udp"], ["--udp", "--connections", "4", "--depth", "16"], ["--udp", "--sources", "8", "--depth", "4"],
                          ["--udp", "--rate", "2000", "--connections", "3"], ["--udp", "--distribution", "zipf:1.1"],
                          ["--udp", "--verify-sources"], ["--tcp"], ["--tcp", "--connections", "8", "--depth", "16"],
                          ["--tcp", "--sources", "4"], ["--tcp", "--rate", "2000", "--connections", "5"]):
            with self.subTest(arguments):
                code, got = self.resolve("--values", "5", *arguments)
                self.assertEqual((code, got["wrong"], got["lost"], got["stray"]), (0, 0, 0, 0), got)
                self.assertGreater(got["answered"], 50, got)
                self.assertLessEqual(got["p50_us"], got["p99_us"])
                self.assertLessEqual(got["p99_us"], got["max_us"])

    def test_answers_that_are_not_the_expected_ones_are_wrong(self):
        for arguments in (["--values", "4"], ["--code", "100"]):
            for transport in ("--udp", "--tcp"):
                with self.subTest(arguments + [transport]):
                    code, got = self.resolve(transport, *arguments)
                    self.assertEqual(code, 1)
                    self.assertEqual(got["wrong"], got["answered"])
                    self.assertGreater(got["wrong"], 0)
        code, got = self.resolve("--udp", "--code", "100", pattern="88.118/none-{}")
        self.assertEqual((code, got["wrong"]), (0, 0), got)

    def test_a_liar_is_found_out(self):
        for transport in ("--udp", "--tcp"):
            with self.subTest(transport), Echo(transport) as echo:
                code, got = self.resolve(transport, "--connections", "2", "--depth", "4", target=echo.endpoint)
                self.assertEqual(code, 1)
                self.assertGreater(got["answered"], 50)
                self.assertEqual(got["wrong"], got["answered"])
                done = idload("conform", "--target", echo.endpoint, "--known", "88.118/L0000001", "--timeout", "0.1")
                self.assertEqual(done.returncode if transport == "--tcp" else 1, 1)
            self.assertEqual(echo.code, 0)

    def test_an_open_loop_counts_from_when_a_request_was_due(self):
        """A server that stands still for 0.4 s of 1.5: in a closed loop one answer is late, here a quarter of them."""
        with Echo("--udp") as echo:
            load = subprocess.Popen([IDLOAD, "resolve", "--udp", "--target", echo.endpoint, "--pattern", PATTERN, "--keys", "10", "--rate",
                                     "400", "--seconds", "1.5", "--warmup", "0", "--json"], stdout=subprocess.PIPE, text=True)
            time.sleep(0.6)
            echo.process.send_signal(signal.SIGSTOP)
            time.sleep(0.4)
            echo.process.send_signal(signal.SIGCONT)
            out, _ = load.communicate(timeout=60)
        got = json.loads(out)
        self.assertGreaterEqual(got["sent"], 590, got)
        self.assertGreater(got["p99_us"], 200_000, got)
        self.assertGreater(got["max_us"], 300_000, got)

    def test_registrations_are_there_afterwards(self):
        arguments = ["register", "--target", self.node.endpoint, "--as", self.node.administrator, "--key",
                     os.path.join(self.node.keys, "admin.pem"), "--pattern", "88.118/R{:04}", "--keys", "60", "--connections", "3",
                     "--depth", "4", "--json"]
        done = idload(*arguments)
        self.assertEqual((done.returncode, json.loads(done.stdout)["registered"]), (0, 60), done)
        code, got = self.resolve("--tcp", "--values", "5", pattern="88.118/R{:04}", keys=60)
        self.assertEqual((code, got["wrong"]), (0, 0))
        together = idload(*arguments[:-5], "--connections", "8", "--together", "--first", "100", "--json")
        self.assertEqual((together.returncode, json.loads(together.stdout)["registered"]), (0, 60), together)
        again = json.loads(idload(*arguments).stdout)
        self.assertEqual((again["registered"], again["refused"], again["last_code"]), (0, 60, 101))

    def test_who_is_not_there_is_said_so(self):
        with Echo("--tcp") as gone:
            pass
        for transport in ("--udp", "--tcp"):
            done = idload("resolve", transport, "--target", gone.endpoint, "--pattern", PATTERN, "--keys", "5", "--seconds", "0.2")
            self.assertEqual((done.returncode, done.stdout), (3, ""), done)
            self.assertEqual(len(done.stderr.splitlines()), 1, done)

    def test_bad_usage(self):
        done = idload("resolve", "--udp", "--target", "127.0.0.1:1", "--ids", os.path.join(self.folder, "absent"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be read", done.stderr)
        self.assertEqual(idload("swim").returncode, 2)
        self.assertEqual(idload("--help").returncode, 0)

    def test_conformance(self):
        done = idload("conform", "--target", self.node.endpoint, "--known", "88.118/L0000001", "--timeout", "5", "--json")
        cases = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertGreaterEqual(len(cases), 40)
        self.assertEqual([c for c in cases if not c["held"]], [])
        print(f"conform: cases={len(cases)} failed=0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
