#!/usr/bin/env python3
"""Writes the seed inputs of the fuzz targets, made from the golden vectors: seeds.py FOLDER

FOLDER/TARGET/NAME holds the octets of one seed in the form that the target reads (see its first lines). Returns
nothing for targets that it does not know. Vectors above 4096 octets are left out: they only slow a run down.
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VECTORS = ROOT / "tests/golden/handle/wire-vectors.jsonl"
LARGEST = 4096


def octets_of(vector):
    return bytes.fromhex(vector["hex"])


def int2(n):
    return n.to_bytes(2, "big")


def train(vector):
    direction = b"\0" if vector["fields"].get("direction", "client_to_server") == "client_to_server" else b"\1"
    packets = [bytes.fromhex(p) for p in vector["fields"]["packets"]]
    return direction + b"".join(int2(len(p)) + p for p in packets)


def credential(vector):
    frame = octets_of(vector)
    return frame[44 + int.from_bytes(frame[40:44], "big"):]


def stream(vector):
    first = b"\0" if vector["fields"]["follows_response_of_op_code"] == 1001 else b"\1"
    return first + octets_of(vector)


def session(vector):
    fields = vector["fields"]
    if vector["kind"] == "session_key_envelope":
        return b"\x0b\1" + bytes.fromhex(fields["plaintext"])
    version = fields["envelope"]["minor"]
    return bytes([version, 0]) + bytes.fromhex(fields["body"]["data"])


def proof(vector):
    return b"\xb0" + octets_of(vector)


def names(vector):
    def octets(value):
        return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value.encode()

    fields = vector["fields"]
    if vector["kind"] == "case":
        return octets(fields["a"]) + b"\xff" + octets(fields["b"])
    if vector["kind"] == "type_match":
        return octets(fields["value_type"]) + b"\xff" + octets(fields["query_type"])
    return octets_of(vector)


def is_setup_answer(vector):
    return vector["kind"] == "session_key_envelope" or "data" in vector["fields"].get("body", {})


# target: (kinds, how a seed is made, which vectors of the kinds)
TABLE = {
    "envelope": (("envelope",), octets_of, None),
    "request": (("request", "mac", "malformed"), octets_of, None),
    "response": (("response", "signed"), octets_of, None),
    "credential": (("mac", "signed"), credential, None),
    "value_list": (("value",), lambda v: b"\0\0\0\1" + octets_of(v), None),
    "admin": (("admin",), octets_of, None),
    "vlist": (("vlist",), octets_of, None),
    "site": (("site",), octets_of, None),
    "bootstrap": (("global_values", "local_sites"),
                  lambda v: (b"\0" if v["kind"] == "global_values" else b"\1") + octets_of(v), None),
    "session": (("response", "session_key_envelope"), session, is_setup_answer),
    "stream": (("stream",), stream, None),
    "datagrams": (("udp", "malformed"), train, lambda v: "packets" in v["fields"]),
    "names": (("case", "type_match", "utf8"), names, None),
    "public_key": (("pubkey",), octets_of, None),
    "key_file": (("privkey_file",), octets_of, None),
    "proof": (("challenge_answer",), proof, None),
    "control": (("envelope",), octets_of, None),
}


def write(folder):
    """Returns the number of seeds by target."""
    with open(VECTORS, encoding="utf-8") as lines:
        vectors = [json.loads(line) for line in lines]
    counts = {}
    for target, (kinds, make, wanted) in TABLE.items():
        into = pathlib.Path(folder) / target
        into.mkdir(parents=True, exist_ok=True)
        counts[target] = 0
        for vector in vectors:
            if vector["kind"] not in kinds or (wanted and not wanted(vector)):
                continue
            seed = make(vector)
            if len(seed) <= LARGEST:
                (into / vector["name"]).write_bytes(seed)
                counts[target] += 1
        if counts[target] == 0:
            sys.exit(f"seeds.py: no seed for {target}")
    return counts


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name, count in write(sys.argv[1]).items():
        print(f"{name}: {count}")
