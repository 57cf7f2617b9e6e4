#!/usr/bin/env python3
"""Every command of idctl against a real node: what it prints, what it leaves, how it ends."""
import json
import os
import subprocess
import sys
import tempfile

from harness import IDCTL, Node

CHECKS = []


def check(what, good, detail=""):
    CHECKS.append(good)
    if not good:
        print(f"FAILED {what}: {detail}")


def expect(node, code, *arguments, contains="", **more):
    done = node.idctl(*arguments, check=False, **more)
    text = done.stdout + done.stderr
    check(" ".join(arguments), done.returncode == code and contains in text, f"exit {done.returncode}, expected {code}: {text[:400]}")
    return done


def records(node):
    expect(node, 0, "prefix", "add", "88.118.5", "--hosted", "--name", "扶手椅厂", contains="0.NA/88.118.5")
    expect(node, 0, "prefix", "list", contains="0.NA/88.118.5")
    expect(node, 0, "prefix", "show", "88.118.5", contains="扶手椅厂")
    expect(node, 0, "create", "88.118.5/a", "--value", "1:URL=https://example.com/", "--value", "2:NAME_ZH=椅", contains="created 88.118.5/a")
    expect(node, 1, "create", "88.118.5/a", "--value", "1:URL=x", contains="101")
    expect(node, 0, "create", "88.118.5/a", "--value", "1:URL=x", "--value", "2:NAME_ZH=椅", "--overwrite")
    expect(node, 0, "add", "88.118.5/a", "--value", "3:PRICE=42", contains="added")
    expect(node, 0, "modify", "88.118.5/a", "--value", "1:URL=https://example.com/new")
    done = expect(node, 0, "--json", "resolve", "88.118.5/a", administrator=False)
    values = {v["index"]: v["data"]["value"] for v in json.loads(done.stdout)["values"]}
    check("values", values == {1: "https://example.com/new", 2: "椅", 3: "42"}, values)
    expect(node, 0, "resolve", "88.118.5/a", "--type", "PRICE", contains="42", administrator=False)
    expect(node, 0, "--udp", "resolve", "88.118.5/a", "--index", "2", contains="椅", administrator=False)
    expect(node, 1, "resolve", "88.118.5/a", "--type", "NOPE", contains="200", administrator=False)
    expect(node, 0, "resolve", "88.118.5/a", "--certify", "--authoritative", "--no-recursive", administrator=False)
    expect(node, 0, "resolve", "88.118.5/a", "--all-values", contains="42")
    expect(node, 0, "remove", "88.118.5/a", "--index", "3")
    expect(node, 1, "remove", "88.118.5/a", "--index", "3", contains="200")
    expect(node, 0, "list", "88.118.5", contains="88.118.5/a")
    expect(node, 0, "delete", "88.118.5/a", contains="deleted")
    expect(node, 1, "--json", "resolve", "88.118.5/a", contains='"responseCode":100', administrator=False)
    expect(node, 1, "delete", "88.118.5/a", contains="100")


def files(node, folder):
    path = os.path.join(folder, "items.ndjson")
    with open(path, "w", encoding="utf-8") as f:
        for i in range(200):
            f.write(json.dumps({"handle": f"88.118.5/item-{i}", "values": [
                {"index": 1, "type": "NAME", "data": f"器件 {i}"}, {"index": 2, "type": "SECRET", "data": "x", "permissions": "1100"}]},
                ensure_ascii=False) + "\n")
    expect(node, 0, "import", path, "--dry-run", contains="imported=200 skipped=0 failed=0")
    expect(node, 0, "import", path, contains="imported=200 skipped=0 failed=0")
    expect(node, 0, "import", path, "--on-conflict", "skip", contains="imported=0 skipped=200 failed=0")
    errors = os.path.join(folder, "errors.ndjson")
    expect(node, 4, "import", path, "--errors", errors, contains="imported=0 skipped=0 failed=200")
    with open(errors, encoding="utf-8") as f:
        check("errors file", len([json.loads(line) for line in f]) == 200)
    expect(node, 0, "import", path, "--on-conflict", "overwrite", "--connections", "1", contains="imported=200")
    expect(node, 4, "import", "-", input='{"handle":"88.118.5/x","values":[]}\nnonsense\n', contains="imported=1 skipped=0 failed=1")
    public = os.path.join(folder, "public.ndjson")
    with open(path, encoding="utf-8") as f, open(public, "w", encoding="utf-8") as out:
        for line in f:
            record = json.loads(line)
            out.write(json.dumps({**record, "values": record["values"][:1]}, ensure_ascii=False) + "\n")
    expect(node, 0, "compare", public, contains="compared=200 different=0", administrator=False)
    expect(node, 4, "compare", path, "--every", "10", contains="compared=20 different=20", administrator=False)
    done = expect(node, 0, "export", "88.118.5")
    exported = {record["handle"]: len(record["values"]) for record in map(json.loads, done.stdout.splitlines())}
    check("export", exported.get("88.118.5/item-7") == 2 and exported.get("88.118.5/x") == 0, str(exported)[:200])
    expect(node, 0, "export", "88.118.5", "--format", "csv", contains="88.118.5/item-7,1,NAME,器件 7")
    table = os.path.join(folder, "items.csv")
    with open(table, "w", encoding="utf-8") as f:
        f.write('serial,name,price\nC1,"椅, 折叠",42\nC2,桌,\n')
    expect(node, 0, "import", table, "--prefix", "88.118.5", "--id-column", "serial", "--map", "name=1:NAME", "--map", "price=9:PRICE",
           contains="imported=2")
    expect(node, 0, "resolve", "88.118.5/C1", contains="椅, 折叠", administrator=False)
    enterprises = os.path.join(folder, "enterprises.ndjson")
    with open(enterprises, "w", encoding="utf-8") as f:
        f.write('{"prefix":"88.118.11","name":"一"}\n{"prefix":"88.118.12"}\n')
    expect(node, 0, "prefix", "import", enterprises, contains="added=2 existing=0")
    expect(node, 0, "prefix", "import", enterprises, contains="added=0 existing=2")


def enterprise(node, folder):
    """An enterprise's own key administers its prefix, and nothing else."""
    key, public = os.path.join(folder, "e.pem"), os.path.join(folder, "e.pub.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    expect(node, 0, "prefix", "add", "88.118.20", "--hosted", "--admin", "300:88.118.20/ADMIN", "--admin-key", public)

    def run(*arguments):
        return subprocess.run([IDCTL, "--server", node.endpoint, "--as", "300:88.118.20/ADMIN", "--key", key, *arguments],
                              capture_output=True, text=True, timeout=60)

    check("enterprise creates", run("create", "88.118.20/x", "--value", "1:A=b").returncode == 0)
    done = run("create", "88.118.5/x2", "--value", "1:A=b")
    check("enterprise elsewhere", done.returncode == 1 and "400" in done.stderr, done.stderr)
    done = run("prefix", "list")
    check("enterprise lists homes", done.returncode == 1, done.stderr)
    expect(node, 0, "prefix", "remove", "88.118.20", contains="removed")
    expect(node, 1, "resolve", "88.118.20/x", contains="100", administrator=False)  # nobody has registered the prefix


def ends(node, folder):
    """Exit codes that need no answer."""
    done = expect(node, 0, "status", contains="site serial")
    rows = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    rows = {name: value.strip() for name, value in rows.items()}
    check("status numbers", rows.get("writes") == "accepted" and int(rows.get("hosted prefixes", 0)) >= 4 and "version" in rows, rows)
    check("status as JSON", json.loads(expect(node, 0, "--json", "status").stdout)["idnode_prefixes.homed"] >= 4)
    expect(node, 0, "status", administrator=False, contains="need")
    expect(node, 2, "create", "88.118.5/a", "--value", "nonsense", contains="INDEX:TYPE=TEXT")
    expect(node, 2, "create", "88.118.5/a", "--value", "1:A=b", administrator=False, contains="--as")
    large = os.path.join(folder, "large.json")
    with open(large, "w", encoding="utf-8") as f:
        json.dump([{"index": 1, "type": "BLOB", "data": "x" * 300_000}], f)
    expect(node, 2, "create", "88.118.5/large", "--from", large, contains="larger than a message")
    expect(node, 2, "--json", "status", administrator=False)
    expect(node, 2, "import", os.path.join(folder, "absent.ndjson"), contains="cannot be read")
    expect(node, 2, "prefix", "add", "88.118.30", contains="--hosted")
    expect(node, 3, "prefix", "add", "88.118.30", "--pointer", "127.0.0.1:1", contains="127.0.0.1:1")
    dead = subprocess.run([IDCTL, "--server", "127.0.0.1:1", "resolve", "88.118/x"], capture_output=True, text=True, timeout=60)
    check("nobody there", dead.returncode == 3 and "127.0.0.1:1" in dead.stderr, dead.stderr)
    check("no command", subprocess.run([IDCTL], capture_output=True, timeout=60).returncode == 2)
    by_config = subprocess.run([IDCTL, "--config", node.config, "resolve", "88.118.5/item-1"], capture_output=True, text=True, timeout=60)
    check("address from the configuration", by_config.returncode == 0, by_config.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="idnode-idctl-") as folder, Node(os.path.join(folder, "node")) as node:
        records(node)
        files(node, folder)
        enterprise(node, folder)
        ends(node, folder)
    print(f"system: idctl checks={len(CHECKS)} failed={CHECKS.count(False)}")
    return 0 if all(CHECKS) else 1


if __name__ == "__main__":
    sys.exit(main())
