#!/usr/bin/env python3
"""Two real catalogues as enterprises and identifier records.

  convert.py OUTPUT-FOLDER [--pci FILE] [--furniture FILE]

Writes enterprises.ndjson ({"prefix", "name"} a line) and identifiers.ndjson (one record of the Handle JSON REST API a
line) and prints how many of each. The mapping is described in README.md beside this file.
"""
import argparse
import csv
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
VENDOR = re.compile(r"([0-9a-f]{4})  (.+)")
DEVICE = re.compile(r"\t([0-9a-f]{4})  (.+)")
SUBSYSTEM = re.compile(r"\t\t([0-9a-f]{4}) ([0-9a-f]{4})  (.+)")


def values(*pairs):
    """Text values at 1, 2, 3, ...; an empty text leaves its index out."""
    return [
        {"index": index, "type": kind, "data": {"format": "string", "value": text}}
        for index, (kind, text) in enumerate(pairs, 1)
        if text
    ]


def electronics(path):
    """Yields ("enterprise", prefix, name) and ("identifier", handle, values) in file order."""
    vendor = device = None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("C "):  # the class list ends the vendors
                break
            if found := VENDOR.fullmatch(line):
                vendor = [int(found[1], 16), found[2], False]
            elif found := DEVICE.fullmatch(line):
                device = (found[1], found[2])
                if not vendor[2]:
                    vendor[2] = True
                    yield "enterprise", f"88.118.{vendor[0]}", vendor[1]
                yield "identifier", f"88.118.{vendor[0]}/{device[0]}", values(("VENDOR", vendor[1]), ("DEVICE", device[1]))
            elif found := SUBSYSTEM.fullmatch(line):
                yield (
                    "identifier",
                    f"88.118.{vendor[0]}/{device[0]}.{found[1]}{found[2]}",
                    values(("VENDOR", vendor[1]), ("DEVICE", device[1]), ("SUBSYSTEM", found[3])),
                )


def furniture(path):
    catalogues = {}
    with open(path, encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            if row["catalogue"] not in catalogues:
                catalogues[row["catalogue"]] = len(catalogues) + 1
                yield "enterprise", f"88.150.{catalogues[row['catalogue']]}", row["catalogue"]
            size = " x ".join(row[side] for side in ("width_cm", "depth_cm", "height_cm")) + " cm"
            yield (
                "identifier",
                f"88.150.{catalogues[row['catalogue']]}/{row['id']}",
                values(
                    ("NAME", row["name"]),
                    ("NAME_ZH", row["name_zh"]),
                    ("CATEGORY", row["category"]),
                    ("SIZE", size),
                    ("DATE", row["created"]),
                    ("CREATOR", row["creator"]),
                    ("CATEGORY_ZH", row["category_zh"]),
                ),
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output")
    parser.add_argument("--pci", default="/usr/share/misc/pci.ids")
    parser.add_argument("--furniture", default=os.path.join(HERE, "furniture.csv"))
    arguments = parser.parse_args()
    os.makedirs(arguments.output, exist_ok=True)
    counts = {"enterprise": 0, "identifier": 0}
    with open(os.path.join(arguments.output, "enterprises.ndjson"), "w", encoding="utf-8") as enterprises, open(
        os.path.join(arguments.output, "identifiers.ndjson"), "w", encoding="utf-8"
    ) as identifiers:
        for source in (electronics(arguments.pci), furniture(arguments.furniture)):
            for kind, name, content in source:
                counts[kind] += 1
                if kind == "enterprise":
                    print(json.dumps({"prefix": name, "name": content}, ensure_ascii=False), file=enterprises)
                else:
                    print(json.dumps({"handle": name, "values": content}, ensure_ascii=False), file=identifiers)
    print(f"enterprises={counts['enterprise']} identifiers={counts['identifier']}")


if __name__ == "__main__":
    main()
