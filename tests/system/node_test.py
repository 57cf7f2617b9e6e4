"""The running node: READY, listeners.json, admin listener, signals, reload, service manager, restart."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import IDNODE, Node, wait_for  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def get(node, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", node.admin_port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def resolve(node, name):
    """Resolves over TCP, everything public; returns (opcode, response code)."""
    handle = name.encode()
    body = struct.pack(">I", len(handle)) + handle + struct.pack(">II", 0, 0)
    header = struct.pack(">IIIHBBII", 1, 0, 0x0A000000, 0, 0, 0, 0xFFFFFFFF, len(body))
    message = header + body + struct.pack(">I", 0)
    envelope = struct.pack(">BBHIIII", 2, 11, 0x020B, 0, 4711, 0, len(message))
    with socket.create_connection(("127.0.0.1", node.port), 10) as connection:
        connection.sendall(envelope + message)
        answer = b""
        while len(answer) < 28:
            part = connection.recv(65536)
            if not part:
                raise ConnectionError("closed without an answer")
            answer += part
    return struct.unpack(">II", answer[20:28])


def events(node):
    return [json.loads(line) for line in node.lines if line.startswith("{")]


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node(tables={"listen": {"http": ["127.0.0.1:0"]}}).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.node.stop()
        shutil.rmtree(cls.node.folder)
        assert code == 0, (code, cls.node.lines)

    def test_ready_names_the_ports_of_listeners_json(self):
        ready = [line for line in self.node.lines if line.startswith("READY")]
        self.assertEqual(len(ready), 1)
        self.assertIn(f"handle={self.node.endpoint}", ready[0])
        self.assertEqual(set(self.node.listeners), {"handle", "admin"})
        self.assertFalse(os.path.exists(os.path.join(self.node.data, "listeners.json.new")))
        for port in (self.node.port, self.node.admin_port):
            socket.create_connection(("127.0.0.1", port), 5).close()

    def test_http_is_warned_about_once_and_not_opened(self):
        warnings = [e for e in events(self.node) if e["level"] == "warning" and "HTTP is not in this version" in e["text"]]
        self.assertEqual(len(warnings), 1)
        self.assertRegex(warnings[0]["text"], r"idnode\.toml:\d+: \[listen\] http")
        self.assertNotIn("http", self.node.listeners)

    def test_probes(self):
        self.assertEqual(get(self.node, "/livez"), (200, "ok\n"))
        self.assertEqual(get(self.node, "/readyz"), (200, "ok\n"))
        status, body = get(self.node, "/readyz?verbose")
        reasons = json.loads(body)
        self.assertEqual(status, 200)
        self.assertTrue(reasons["ready"])
        self.assertEqual({name: check["ok"] for name, check in reasons["checks"].items()},
                         {"serving": True, "writes": True, "disk": True, "store": True})
        self.assertEqual(get(self.node, "/")[0], 404)
        self.assertEqual(get(self.node, "/metrics", "POST")[0], 405)

    def test_metrics_are_the_listed_ones(self):
        wait_for(lambda: "\nidnode_identifiers " in get(self.node, "/metrics")[1], 10, "the store was not counted")
        text = get(self.node, "/metrics")[1]
        with open(os.path.join(ROOT, "tests", "golden", "metrics.txt"), encoding="utf-8") as f:
            listed = {line.split()[0]: line.split()[1] for line in f}
        shown = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        # Families of requests show only what has happened.
        self.assertEqual({**listed, **shown}, listed)
        self.assertLessEqual(set(listed) - set(shown), {"idnode_requests_total", "idnode_request_seconds"})
        # 0.NA/88.118 and 88.118/ADMIN
        self.assertIn("\nidnode_identifiers 2\n", text)
        self.assertIn('\nidnode_prefixes{role="homed"} 1\n', text)
        promtool = shutil.which("promtool")
        if promtool:
            checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_requests_are_answered_counted_and_logged(self):
        self.assertEqual(resolve(self.node, "88.118/ADMIN"), (1, 1))
        self.assertEqual(resolve(self.node, "88.118/nothing here"), (1, 100))
        text = get(self.node, "/metrics")[1]
        for code in (1, 100):
            row = rf'^idnode_requests_total{{transport="tcp",operation="resolve",code="{code}"}} (\d+)$'
            self.assertGreaterEqual(int(re.search(row, text, re.M).group(1)), 1)
        self.assertRegex(text, r'(?m)^idnode_request_seconds_count{transport="tcp",operation="resolve"} \d+$')
        path = os.path.join(self.node.folder, "var", "access.log")

        def lines():
            with open(path, encoding="utf-8") as f:
                return [json.loads(line) for line in f]

        wait_for(lambda: len(lines()) >= 2, 10, "nothing in the access log")
        logged = {line["handle"]: line for line in lines()}
        self.assertEqual(logged["88.118/nothing here"]["code"], 100)
        self.assertEqual((logged["88.118/ADMIN"]["opcode"], logged["88.118/ADMIN"]["code"]), (1, 1))
        self.assertEqual(logged["88.118/ADMIN"]["transport"], "TCP")

    def test_a_second_node_is_told_about_the_folder(self):
        second = subprocess.run([IDNODE, "--config", self.node.config], capture_output=True, text=True, timeout=30)
        self.assertEqual(second.returncode, 1)
        self.assertIn("in use by another process", second.stderr)


class Signals(unittest.TestCase):
    def setUp(self):
        self.node = Node()

    def tearDown(self):
        self.node.kill()
        shutil.rmtree(self.node.folder)

    def test_sigterm_and_sigint_drain_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.node.start()
            self.node.process.send_signal(number)
            self.assertEqual(self.node.process.wait(11), 0)

    def test_a_second_sigterm_ends_at_once(self):
        # A connection that has sent half a message keeps the node draining.
        self.node.start()
        with socket.create_connection(("127.0.0.1", self.node.port), 5) as half:
            half.sendall(b"\x02\x0b\x00\x00" + b"\x00" * 12 + b"\x00\x00\x01\x00" + b"\x00" * 8)
            time.sleep(0.2)
            self.node.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            start = time.monotonic()
            if self.node.process.poll() is None:
                self.node.process.send_signal(signal.SIGTERM)
            self.node.process.wait(3)
            self.assertLess(time.monotonic() - start, 3)
        self.assertEqual(self.node.start().stop(), 0)

    def test_sighup_applies_live_settings_and_refuses_the_others_whole(self):
        self.node.start()

        def metric(name):
            return re.search(rf"^{re.escape(name)} (\S+)$", get(self.node, "/metrics")[1], re.M).group(1)

        def reload(tables):
            settings = {name: dict(fields) for name, fields in self.node.settings.items()}
            for name, fields in tables.items():
                settings.setdefault(name, {}).update(fields)
            before = self.node.settings
            self.node.write_config(settings)
            self.node.settings = before
            seen = len(self.node.lines)
            self.node.process.send_signal(signal.SIGHUP)
            wait_for(lambda: any("reload" in line for line in self.node.lines[seen:]), 10, "no word about the reload")
            return [json.loads(line) for line in self.node.lines[seen:]]

        applied = reload({"limits": {"idle_seconds": 77}, "log": {"level": "debug"}})
        self.assertEqual((applied[0]["level"], applied[0]["text"], applied[0]["changed"]),
                         ("info", "reloaded", "log.level, limits.idle_seconds"))
        refused = reload({"limits": {"idle_seconds": 78}, "node": {"workers": 3}})
        self.assertEqual([e["level"] for e in refused], ["error"])
        self.assertIn("needs a restart: node.workers", refused[0]["text"])
        self.assertEqual(metric("idnode_config_last_reload_success"), "0")
        broken = reload({"limits": {"idle_seconds": -1}})
        self.assertRegex(broken[0]["text"], r"reload refused: .*idnode\.toml:\d+: \[limits\] idle_seconds: ")
        again = reload({"limits": {"idle_seconds": 77}})
        self.assertEqual(again[0]["text"], "reloaded")
        # What was refused left nothing behind.
        self.assertEqual(again[0]["changed"], "log.level")
        self.assertEqual(metric("idnode_config_last_reload_success"), "1")
        self.assertEqual(metric('idnode_config_reloads_total{outcome="refused"}'), "2")

    def test_sigusr1_opens_the_access_log_again(self):
        self.node.start()
        path = os.path.join(self.node.folder, "var", "access.log")
        wait_for(lambda: os.path.exists(path), 5, "no access log")
        os.rename(path, path + ".1")
        self.node.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(path), 5, "the access log was not opened again")

    def test_the_service_manager_hears(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "notify")
            manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            manager.bind(path)
            manager.settimeout(10)
            self.node.start(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
            self.assertEqual(manager.recv(500), b"READY=1\nSTATUS=serving")
            self.assertEqual(manager.recv(500), b"WATCHDOG=1")
            self.node.process.send_signal(signal.SIGHUP)
            heard = [manager.recv(500) for _ in range(3)]
            heard = [h for h in heard if h != b"WATCHDOG=1"]
            self.assertTrue(heard[0].startswith(b"RELOADING=1\nMONOTONIC_USEC="), heard)
            self.node.process.send_signal(signal.SIGTERM)
            while not heard[-1].startswith(b"STOPPING=1"):
                heard.append(manager.recv(500))
            self.assertEqual(self.node.process.wait(11), 0)
            manager.close()

    def test_kill_and_start_again(self):
        for _ in range(3):
            self.node.start().kill()
        self.node.start()
        self.assertEqual(get(self.node, "/readyz"), (200, "ok\n"))


class Spin(unittest.TestCase):
    def cpu_seconds(self, node):
        with open(f"/proc/{node.process.pid}/stat", encoding="utf-8") as f:
            user, system = f.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def test_workers_poll_as_long_as_they_are_told(self):
        with Node(tables={"node": {"spin_us": 500000, "workers": 1}}) as node:
            self.addCleanup(shutil.rmtree, node.folder)
            self.assertEqual(resolve(node, "88.118/ADMIN"), (1, 1))
            before = self.cpu_seconds(node)
            wait_for(lambda: self.cpu_seconds(node) - before > 1, 60, "the worker does not poll")


class MemoryTier(unittest.TestCase):
    def metric(self, node, name):
        return float(re.search(rf"^idnode_{name} (\S+)$", get(node, "/metrics")[1], re.M).group(1))

    def answers(self, node):
        return resolve(node, "88.118/ADMIN"), resolve(node, "0.NA/88.118"), resolve(node, "88.118/nothing here")

    def test_holds_everything_again_after_a_restart(self):
        with Node() as node:
            self.addCleanup(shutil.rmtree, node.folder)
            for _ in range(2):
                wait_for(lambda: self.metric(node, "resident_complete") == 1, 10, "the memory tier was not complete")
                self.assertEqual(self.metric(node, "resident_records"), 2)  # 0.NA/88.118 and 88.118/ADMIN
                self.assertEqual(self.answers(node), ((1, 1), (1, 1), (1, 100)))
                node.kill()
                node.start()

    def test_can_be_switched_off(self):
        with Node(tables={"storage": {"resident": "off"}}) as node:
            self.addCleanup(shutil.rmtree, node.folder)
            self.assertEqual(self.answers(node), ((1, 1), (1, 1), (1, 100)))
            for name in ("resident_room_bytes", "resident_records", "resident_complete"):
                self.assertEqual(self.metric(node, name), 0)


if __name__ == "__main__":
    result = unittest.main(exit=False, warnings="ignore").result
    print(f"system: node {result.testsRun} checked, {len(result.failures) + len(result.errors)} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
