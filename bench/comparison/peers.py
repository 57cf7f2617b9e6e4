"""NSD and Knot, Debian's packages, as they come but for one worker and no rate limit: as many names as the node has identifiers,
each a TXT record of about the size of the node's answer."""
import os
import shutil
import socket
import struct
import subprocess
import time

TEXT = "https://id.example/88.118.1/{:08} qa@id.example bolt M8x40 zinc plated lot A42 site Wuxi " + "x" * 105

NSD = """\
server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  logfile: "{folder}/nsd.log"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: bench.test
  zonefile: "{zone}"
"""

KNOT = """\
server:
  rundir: "{folder}"
  pidfile: "{folder}/knot.pid"
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: "{folder}/knot.log"
    any: warning
database:
  storage: "{folder}"
zone:
  - domain: bench.test
    storage: "{folder}"
    file: "{zone}"
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
    semantic-checks: off
"""

COMMANDS = {"nsd": ("nsd", NSD, ["-d", "-c"]), "knot": ("knotd", KNOT, ["-c"])}


def start(bench):
    """Starts what is installed; the names, and why others were left out."""
    started, skipped = [], []
    zone = None
    for name, (program, template, arguments) in COMMANDS.items():
        path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
        if path is None:
            skipped.append(f"{name}: {program} is not installed (ops/setup bench)")
            continue
        zone = zone or write_zone(bench)
        folder = os.path.join(bench.processes.folder, name)
        os.makedirs(folder)
        port = free_port()
        config = os.path.join(folder, f"{name}.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(template.format(port=port, folder=folder, zone=zone))
        bench.say(f"starting {name}")
        with open(os.path.join(folder, "output"), "wb") as output:
            process = bench.processes.start([path, *arguments, config], stdout=output, stderr=subprocess.STDOUT)
        if answers(process, port, 60):
            bench.servers[name] = (process, f"127.0.0.1:{port}")
            started.append(name)
        else:
            bench.processes.stop(process)
            skipped.append(f"{name}: it did not start")
    return started, skipped


def write_zone(bench):
    zone = os.path.join(bench.processes.folder, "bench.test.zone")
    with open(zone, "w", encoding="ascii") as f:
        f.write("$ORIGIN bench.test.\n$TTL 3600\n@ SOA ns hostmaster 1 3600 600 86400 3600\n@ NS ns\nns A 127.0.0.1\n")
        for i in range(bench.options.keys):
            f.write(f'n{i:08} TXT "{TEXT.format(i)}"\n')
    return zone


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(process, port, seconds):
    """Whether the first name is answered within that time."""
    labels = b"".join(bytes([len(part)]) + part for part in b"n00000000.bench.test".split(b".")) + b"\0"
    query = struct.pack(">6H", 1, 0, 1, 0, 0, 0) + labels + struct.pack(">2H", 16, 1)
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.2)
        while time.monotonic() < end and process.poll() is None:
            try:
                s.sendto(query, ("127.0.0.1", port))
                answer = s.recv(2048)
                if answer[3] & 0xF == 0 and answer[6:8] != b"\0\0":
                    return True
            except OSError:
                pass
            time.sleep(0.1)
    return False
