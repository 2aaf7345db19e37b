#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds a hand-made vmlinux.h against the running kernel's BTF and against its users in bpf/.

usage: vmlinux.py HEADER BPF_DIRECTORY     Prints one line for each thing that is wrong:
  absent: NAME   the kernel has no such type, field or enumerator, or the enumerator's value differs
  unused: NAME   nothing in the BPF directory needs it
The header is compiled, so what is checked is what clang saw. Names with a ___suffix are CO-RE
variants for other kernels: the type must exist here, its fields and enumerators need not.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

KERNEL_BTF = "/sys/kernel/btf/vmlinux"
MODIFIERS = ("CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")
RECORDS = ("STRUCT", "UNION")
ENUMS = ("ENUM", "ENUM64")
ANONYMOUS = "(anon)"
MADE_UP = "anonymous_enum_"  # the prefix of the names that probe() gives


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def is_variant(name):
    return "___" in name


class Btf:
    """The types of one BTF file, by id and by (group of kinds, name)."""

    def __init__(self, path):
        output = subprocess.run(["bpftool", "-j", "btf", "dump", "file", path], check=True,
                                stdout=subprocess.PIPE).stdout
        self.types = {entry["id"]: entry for entry in json.loads(output)["types"]}
        self.by_name = {}
        for entry in self.types.values():
            self.by_name.setdefault(entry.get("name"), []).append(entry)

    def of_kind(self, *kinds):
        return [entry for entry in self.types.values() if entry["kind"] in kinds]

    def named(self, name, *kinds):
        return [entry for entry in self.by_name.get(name, []) if entry["kind"] in kinds]

    def resolve(self, type_id, through=()):
        """The type behind const, volatile and the kinds in `through`; None for void."""
        entry = self.types.get(type_id)
        while entry and entry["kind"] in MODIFIERS + tuple(through):
            entry = self.types.get(entry["type_id"])
        return entry

    def fields(self, record):
        """Field name -> type id, those of anonymous members included."""
        found = {}
        for member in record.get("members", []):
            if member["name"] != ANONYMOUS:
                found[member["name"]] = member["type_id"]
                continue
            inner = self.resolve(member["type_id"])
            if inner["kind"] in RECORDS:
                found.update(self.fields(inner))
        return found


def probe(header_text):
    """C that has a variable of each type in the header, so that clang writes BTF for all of them."""
    numbered = iter(range(1 << 16))
    text = re.sub(r"^enum \{", lambda _: f"enum {MADE_UP}{next(numbered)} {{", header_text,
                  flags=re.M)
    plain = strip_comments(text)
    names = re.findall(r"^((?:struct|union|enum) \w+)\s*\{", plain, flags=re.M)
    names += re.findall(r"^\} (\w+);", plain, flags=re.M)
    names += re.findall(r"^typedef [^{};]*?(\w+);", plain, flags=re.M)
    variables = "".join(f"{name} probe_{number};\n" for number, name in enumerate(names))
    # A type of which only the name is in use: behind a pointer it is a forward declaration.
    pointers = "".join(f"struct {name} *probe_{name};\n"
                       for name in re.findall(r"^struct (\w+);", plain, flags=re.M))
    return text + variables + pointers


def compile_header(header):
    with tempfile.TemporaryDirectory() as directory:
        source, target = f"{directory}/probe.c", f"{directory}/probe.o"
        Path(source).write_text(probe(Path(header).read_text()))
        subprocess.run([os.environ.get("CLANG", "clang"), "-target", "bpf", "-g", "-O2", "-c",
                        "-o", target, source], check=True)
        return Btf(target)


def absent_fields(ours, record, kernel, candidates, path):
    """Fields that no candidate has. A field whose own type is anonymous is compared inside."""
    layouts = [kernel.fields(candidate) for candidate in candidates]
    for name, type_id in ours.fields(record).items():
        having = [layout[name] for layout in layouts if name in layout]
        if not having:
            yield f"{path}.{name}"
            continue
        inner = ours.resolve(type_id)
        if inner and inner["kind"] in RECORDS and inner["name"] == ANONYMOUS:
            theirs = [kernel.resolve(other, ("TYPEDEF",)) for other in having]
            yield from absent_fields(ours, inner, kernel, theirs, f"{path}.{name}")


def absent_types(ours, kernel):
    for entry in ours.of_kind(*RECORDS, "FWD", "TYPEDEF"):
        name = entry["name"].split("___")[0]
        kinds = {"TYPEDEF": ("TYPEDEF",), "FWD": (*RECORDS, "FWD")}.get(entry["kind"], RECORDS)
        if name == ANONYMOUS:
            continue  # compared inside of whatever holds it
        candidates = kernel.named(name, *kinds)
        if not candidates:
            yield entry["name"]
            continue
        if entry["kind"] == "TYPEDEF":
            entry = ours.resolve(entry["type_id"])
            if not entry or entry["kind"] not in RECORDS or entry["name"] != ANONYMOUS:
                continue
            candidates = [kernel.resolve(other["type_id"]) for other in candidates]
        if entry["kind"] in RECORDS and not is_variant(entry["name"]):
            yield from absent_fields(ours, entry, kernel, candidates, name)


def absent_enumerators(ours, kernel):
    values = {}
    for entry in kernel.of_kind(*ENUMS):
        for value in entry["values"]:
            values.setdefault(value["name"], set()).add(value["val"])
    for entry in ours.of_kind(*ENUMS):
        name = entry["name"].split("___")[0]
        if not name.startswith((MADE_UP, ANONYMOUS)) and not kernel.named(name, *ENUMS):
            yield f"enum {name}"
        if is_variant(entry["name"]):
            continue
        for value in entry["values"]:
            if value["val"] not in values.get(value["name"], ()):
                yield f"{value['name']} = {value['val']}"


def unused_names(ours, mentioned):
    """Fields and enumerators must be mentioned; a record may also just be the type of a field."""
    held = set()
    for record in ours.of_kind(*RECORDS):
        for name, type_id in ours.fields(record).items():
            inner = ours.resolve(type_id, ("PTR", "ARRAY", "TYPEDEF"))
            held.add(inner["name"] if inner else None)
            if name not in mentioned:
                yield f"{record['name']}.{name}"
    for entry in ours.of_kind(*RECORDS, "FWD"):
        if entry["name"] not in mentioned | held | {ANONYMOUS}:
            yield entry["name"]
    for entry in ours.of_kind(*ENUMS):
        for value in entry["values"]:
            if value["name"] not in mentioned:
                yield value["name"]


def main():
    header, bpf_directory = sys.argv[1:]
    sources = sorted(Path(bpf_directory).glob("*.[ch]"))
    mentioned = set(re.findall(r"\w+", strip_comments("".join(s.read_text() for s in sources))))
    ours, kernel = compile_header(header), Btf(KERNEL_BTF)
    for name in [*absent_types(ours, kernel), *absent_enumerators(ours, kernel)]:
        print(f"absent: {name}")
    for name in unused_names(ours, mentioned):
        print(f"unused: {name}")
    print(f"checked: {len(ours.types)} types")


if __name__ == "__main__":
    main()
