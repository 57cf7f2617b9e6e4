"""A data folder that lost something and looks whole: the real node names the file and the place and does not start;
`idnode verify` says the same; the way out that the message names works. And a store with a damaged block answers with
an error, never with "not found"."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import IDNODE, Node  # noqa: E402

RECORDS = 40
GAPS = {"gaps": 0, "refused": 0}


class LostData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A node that was killed: everything after the first clean stop is in the log only."""
        cls.made = Node()
        cls.made.start()
        cls.create(cls.made, 0, RECORDS // 2)
        cls.made.stop()
        cls.flushed = tempfile.mkdtemp(prefix="idnode-lost-")
        shutil.rmtree(cls.flushed)
        shutil.copytree(cls.made.data, cls.flushed)  # what a roll-back brings back
        cls.made.start()
        cls.create(cls.made, RECORDS // 2, RECORDS)
        cls.made.kill()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made.folder)
        shutil.rmtree(cls.flushed)

    @staticmethod
    def create(node, first, end):
        for i in range(first, end):
            node.idctl("create", f"88.118/{i}", "--value", "1:URL=https://example.com/" + os.urandom(400).hex())

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="idnode-lost-")
        shutil.rmtree(self.folder)
        shutil.copytree(self.made.folder, self.folder)
        self.node = Node(self.folder, init=False)
        self.log = os.path.join(self.node.data, "log")
        self.watermark = os.path.join(self.node.data, "WATERMARK")

    def tearDown(self):
        self.node.kill()
        shutil.rmtree(self.folder)

    def segments(self):
        return [os.path.join(self.log, name) for name in sorted(os.listdir(self.log))]

    def groups(self, segment):
        """Offsets at which groups end."""
        with open(segment, "rb") as f:
            octets = f.read()
        at = 92
        while at < len(octets):
            self.assertEqual(octets[at:at + 4], b"GRUP")
            at += 68 + int.from_bytes(octets[at + 4:at + 8], "big") + 32
            yield at

    def command(self, *arguments):
        return subprocess.run([IDNODE, *arguments, "--config", self.node.config], capture_output=True, text=True, timeout=60)

    def refused(self, *needles, gap=True):
        """One line of level error with all needles, exit 1, no READY, nothing changed; from both commands."""
        for command in ((), ("verify",)):
            done = self.command(*command)
            lines = [line for line in done.stderr.splitlines() if line]
            self.assertFalse([line for line in lines if line.startswith("READY")], lines)
            errors = [e["text"] for e in map(json.loads, lines) if e["level"] == "error"]
            self.assertEqual(len(errors), 1, done.stderr)
            for needle in needles:
                self.assertIn(needle, errors[0])
            self.assertEqual(done.returncode, 1)
        if gap:
            GAPS["gaps"] += 1
            GAPS["refused"] += 1

    def serves_everything(self):
        self.node.start()
        for i in range(RECORDS):
            self.assertIn("example.com", self.node.idctl("resolve", f"88.118/{i}", administrator=False).stdout)
        self.assertEqual(self.node.stop(), 0)

    def test_whole_after_a_kill(self):
        done = self.command("verify")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^log: sequences 1 to \d+ in \d+ groups, whole; last hash [0-9a-f]{64}\n"
                                      r"watermark: synced up to \d+, the store durable up to \d+\n"
                                      r"store: durable up to \d+, every checksum holds\n$")
        self.serves_everything()
        self.node.start()
        self.assertIn("store: not read, the node is running", self.command("verify").stdout)
        self.node.stop()

    def test_cut_at_a_groups_end(self):
        segment = self.segments()[-1]
        ends = list(self.groups(segment))
        for end in (ends[-2], ends[len(ends) * 3 // 4], ends[len(ends) // 4]):
            os.truncate(segment, end)
            self.refused(segment + f": offset {end}: the log ends at sequence ", "synced up to ", "restore")

    def test_newest_segment_deleted(self):
        for segment in self.segments():
            os.remove(segment)
        self.refused(self.log, "the log ends at sequence 0", "synced up to ")

    def test_store_rolled_back(self):
        # The store of the first stop, a log and a watermark that went on to a later clean stop.
        self.serves_everything()
        store = os.path.join(self.node.data, "store")
        shutil.rmtree(store)
        shutil.copytree(os.path.join(self.flushed, "store"), store)
        self.refused(self.watermark + ": the store was rolled back: it is at sequence ", "durable up to ", "move that folder away")
        os.rename(store, store + ".old")
        self.serves_everything()

    def test_log_and_store_rolled_back(self):
        for part in ("store", "log"):
            shutil.rmtree(os.path.join(self.node.data, part))
            shutil.copytree(os.path.join(self.flushed, part), os.path.join(self.node.data, part))
        self.refused(self.log, ": the log ends at sequence ", "synced up to ")

    def test_watermark_missing(self):
        os.remove(self.watermark)
        self.refused(self.watermark + ": is missing", "idnode manual")
        # The documented way out.
        with open(os.path.join(self.node.data, "FORMAT"), "w", encoding="utf-8") as f:
            f.write("1")
        self.serves_everything()
        with open(os.path.join(self.node.data, "FORMAT"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "2\n")
        self.assertEqual(os.path.getsize(self.watermark), 8192)

    def test_watermark_damaged(self):
        with open(self.watermark, "r+b") as f:
            f.seek(4100)
            f.write(b"\xff")
        self.serves_everything()  # the other slot
        with open(self.watermark, "r+b") as f:
            for offset in (20, 4116):
                f.seek(offset)
                f.write(b"\xff" * 8)
        self.refused(self.watermark + ": offset 0: neither", "idnode manual")

    def test_a_damaged_block_is_an_error_and_not_an_absence(self):
        self.serves_everything()  # flushes
        store = os.path.join(self.node.data, "store")
        tables = [os.path.join(store, name) for name in os.listdir(store) if name.endswith(".sst")]
        for table in tables:
            with open(table, "r+b") as f:
                # The data blocks come first, those of the node's own records before the others; filter, index,
                # properties and footer stay whole.
                f.seek(os.path.getsize(table) * 6 // 10)
                f.write(bytes(64))
        verified = self.command("verify")
        self.assertEqual(verified.returncode, 1)
        self.assertIn(store, verified.stderr)
        self.node.start()
        self.assertTrue([line for line in self.node.lines if line.startswith("READY")], self.node.lines)
        answers = [self.node.idctl("--json", "resolve", f"88.118/{i}", check=False, administrator=False) for i in range(RECORDS)]
        self.assertTrue([a for a in answers if a.returncode != 0], "no block was met")
        for answer in answers:
            if answer.returncode != 0:
                self.assertEqual(json.loads(answer.stdout)["responseCode"], 2, answer)


if __name__ == "__main__":
    result = unittest.main(exit=False, warnings="ignore").result
    print(f"system: lost data {result.testsRun} checked, {len(result.failures) + len(result.errors)} failed")
    print(f"durability: gaps={GAPS['gaps']} refused={GAPS['refused']}")
    sys.exit(0 if result.wasSuccessful() else 1)
