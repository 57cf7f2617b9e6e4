"""Every way to start wrong: one line of level error that says where and what to do, the right exit code, and
nothing is lost."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import IDNODE, Node  # noqa: E402


def run(*arguments):
    return subprocess.run([IDNODE, *arguments], capture_output=True, text=True, timeout=60)


class Start(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = Node()  # initialised once, copied for each test
        if os.geteuid() == 0 and shutil.which("setpriv") is None:
            raise unittest.SkipTest("runs as root without setpriv")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made.folder)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="idnode-bad-")
        shutil.rmtree(self.folder)
        shutil.copytree(self.made.folder, self.folder)
        self.config = os.path.join(self.folder, "idnode.toml")
        self.data = os.path.join(self.folder, "var", "data")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def edit(self, old, new):
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        self.assertIn(old, text)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))

    def line_of(self, start):
        with open(self.config, encoding="utf-8") as f:
            return next(n for n, line in enumerate(f, 1) if line.startswith(start))

    def fails(self, *needles, before=()):
        """Starts, expects exactly one line of level error with all needles, exit 1 and no READY."""
        done = subprocess.run([*before, IDNODE, "--config", self.config], capture_output=True, text=True, timeout=60)
        lines = [line for line in done.stderr.splitlines() if line]
        self.assertFalse([line for line in lines if line.startswith("READY")], lines)
        errors = [e for e in map(json.loads, lines) if e["level"] == "error"]
        self.assertEqual(len(errors), 1, done.stderr)
        for needle in needles:
            self.assertIn(needle, errors[0]["text"])
        self.assertEqual(done.returncode, 1)
        return errors[0]["text"]

    def test_wrong_setting(self):
        self.edit("workers = 4", "workers = 4000")
        self.fails(f"{self.config}:{self.line_of('workers')}: [node] workers: 4000 is not from 0 to 1024")

    def test_several_wrong_settings(self):
        self.edit("workers = 4", "workers = 4000\nwrong = 1")
        self.fails(f"{self.config}:{self.line_of('workers')}: ", "(and 1 more: idnode check-config --config " + self.config)

    def test_missing_file(self):
        os.remove(self.config)
        self.fails(self.config + ": there is no such file")

    def test_syntax(self):
        self.edit("workers = 4", "workers = ")
        self.fails(f"{self.config}:{self.line_of('workers')}: not TOML")

    def test_busy_handle_port_tcp(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.edit('handle = ["127.0.0.1:0"]', f'handle = ["127.0.0.1:{port}"]')
            self.fails(f"{self.config}:{self.line_of('handle')}: [listen] handle: ", f"127.0.0.1:{port}")

    def test_busy_handle_port_udp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            self.edit('handle = ["127.0.0.1:0"]', f'handle = ["127.0.0.1:{port}"]')
            self.fails(f"127.0.0.1:{port}")

    def test_busy_admin_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.edit('admin = ["127.0.0.1:0"]', f'admin = ["127.0.0.1:{port}"]')
            self.fails(f"{self.config}:{self.line_of('admin =')}: [listen] admin: 127.0.0.1:{port}", "free the port")

    def test_address_that_is_not_ours(self):
        self.edit('handle = ["127.0.0.1:0"]', 'handle = ["192.0.2.1:0"]')
        self.fails("192.0.2.1:0")

    def test_not_initialised(self):
        shutil.rmtree(self.data)
        self.fails(self.data, "idnode init")

    def test_foreign_folder(self):
        shutil.rmtree(self.data)
        os.makedirs(self.data)
        precious = os.path.join(self.data, "precious")
        with open(precious, "w", encoding="utf-8") as f:
            f.write("x")
        self.fails(self.data)
        made = run("init", "--config", self.config, "--key-out", os.path.join(self.folder, "other"))
        self.assertEqual(made.returncode, 1)
        self.assertEqual(len(made.stderr.splitlines()), 1, made.stderr)
        self.assertEqual(os.listdir(self.data), ["precious"])

    def test_newer_format(self):
        with open(os.path.join(self.data, "FORMAT"), "w", encoding="utf-8") as f:
            f.write("9999\n")
        self.fails(os.path.join(self.data, "FORMAT"), "later version")

    def test_other_case_setting(self):
        self.edit("workers = 4", "workers = 4\ncase_sensitive = true")
        self.fails(self.data, "case_sensitive")

    def test_missing_key(self):
        os.remove(os.path.join(self.data, "node.pem"))
        self.fails(os.path.join(self.data, "node.pem"), "backup")

    def test_key_that_others_may_read(self):
        key = os.path.join(self.data, "node.pem")
        os.chmod(key, 0o640)
        self.fails("chmod 600 " + key)
        os.chmod(key, 0o600)
        node = Node(self.folder, init=False).start()
        self.assertEqual(node.stop(), 0)

    def test_damaged_key(self):
        with open(os.path.join(self.data, "node.pem"), "w", encoding="utf-8") as f:
            f.write("-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n")
        self.fails(os.path.join(self.data, "node.pem"))

    def test_unwritable_folder(self):
        # Root may write everywhere: another user starts the node then.
        before = ()
        if os.geteuid() == 0:
            for folder, folders, files in os.walk(self.folder):
                os.chmod(folder, 0o755)
                for name in files:
                    os.chmod(os.path.join(folder, name), 0o644)
            before = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        else:
            os.chmod(self.data, 0o500)
        try:
            self.fails(self.data, before=before)
        finally:
            os.chmod(self.data, 0o700)

    def test_access_log_that_cannot_be_opened(self):
        with open(self.config, "a", encoding="utf-8") as f:
            f.write('[log]\naccess = "idnode.toml/access.log"\n')
        self.fails(f"{self.config}:{self.line_of('access')}: [log] access: ")

    def test_a_log_that_is_damaged_in_the_middle(self):
        node = Node(self.folder, init=False).start()
        node.stop()
        folder = os.path.join(self.data, "log")
        segment = os.path.join(folder, sorted(os.listdir(folder))[0])
        with open(segment, "r+b") as f:
            f.seek(os.path.getsize(segment) // 3)
            octet = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([octet[0] ^ 0x40]))
        self.fails(segment)


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="idnode-commands-")
        self.config = os.path.join(self.folder, "idnode.toml")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def write(self, text):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)

    def test_usage_is_2(self):
        for arguments in ((), ("--nonsense",), ("nonsense",), ("init", "--config", "x"), ("init", "--key-out", "x", "--key-type", "dsa")):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertTrue(done.stderr or done.stdout)
        self.assertEqual(run("--help").returncode, 0)
        self.assertRegex(run("--version").stdout, r"^\d+\.\d+\.\d+ \w+\n$")

    def test_check_config(self):
        self.write('[node]\nprefixes = ["88.118"]\n')
        done = run("check-config", "--config", self.config)
        self.assertEqual((done.returncode, done.stdout), (0, "ok\n"))
        self.write('[node]\nprefixes = []\nworkers = "x"\n[what]\nx = 1\n')
        done = run("check-config", "--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line.split(": ")[0] for line in done.stdout.splitlines()],
                         [f"{self.config}:3", f"{self.config}:4"])

    def test_show_config(self):
        self.write('[node]\nprefixes = ["88.118"]\n')
        shown = run("show-config", "--config", self.config)
        self.assertEqual(shown.returncode, 0)
        self.assertIn(f"# {self.config}:2\n", shown.stdout)
        effective = run("show-config", "--effective", "--config", self.config)
        self.assertIn(f'data = "{self.folder}/var/data"', effective.stdout)
        self.assertEqual(run("show-config", "--config", "/nonexistent").returncode, 1)
        self.assertEqual(run("show-config").returncode, 2)
        self.write(run("show-config", "--sample").stdout)
        self.assertEqual(run("check-config", "--config", self.config).stdout, "ok\n")

    def test_manual(self):
        self.assertTrue(run("manual").stdout.startswith(".TH IDNODE 8"))
        self.assertTrue(run("manual", "--file-format").stdout.startswith(".TH IDNODE.TOML 5"))

    def test_init_says_what_it_made_and_what_is_in_the_way(self):
        self.write('[node]\nprefixes = ["88.118"]\n')
        keys = os.path.join(self.folder, "keys")
        done = run("init", "--config", self.config, "--key-out", keys)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for path in ("admin.pem", "admin.pub.pem", "admin.bin"):
            self.assertIn(os.path.join(keys, path), done.stdout)
        self.assertEqual(os.stat(os.path.join(keys, "admin.pem")).st_mode & 0o777, 0o600)
        again = run("init", "--config", self.config, "--key-out", keys, "--force")
        self.assertEqual((again.returncode, again.stdout), (1, ""))
        self.assertEqual(len(again.stderr.splitlines()), 1)


if __name__ == "__main__":
    result = unittest.main(exit=False, warnings="ignore").result
    print(f"system: bad input {result.testsRun} checked, {len(result.failures) + len(result.errors)} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
