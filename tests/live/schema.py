#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Validates each line of a file of JSON lines against a schema; a line that is not valid is shown.

Two validators, none of them ours: fastjsonschema for every line, jsonschema (which is slow) for the
first lines of each shape: record and set of fields. jsonschema also judges the schema itself. Emulated machines
($WORK_DIVISOR) have time for the first one only.
usage: schema.py SCHEMA FILE      exits with 77 if a validator is not installed"""
import json
import os
import sys

TWICE = "WORK_DIVISOR" not in os.environ

try:
    import fastjsonschema

    if TWICE:
        import jsonschema
except ImportError as error:
    print(f"no {error.name} for python3")
    sys.exit(77)

PER_SHAPE = 20 if TWICE else 0
MAX_SHOWN = 10


def fail(number, line, why):
    fail.count += 1
    if fail.count <= MAX_SHOWN:
        print(f"line {number}: {why}: {line[:300]!r}")


fail.count = 0


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    if TWICE:
        jsonschema.Draft7Validator.check_schema(schema)
        slow = jsonschema.Draft7Validator(schema)
    # By record, rather than trying all of oneOf.
    fast = {
        branch["$ref"].rsplit("/", 1)[1]: fastjsonschema.compile({**schema, "oneOf": [branch]})
        for branch in schema["oneOf"]
    }
    shapes = {}
    number = 0
    with open(sys.argv[2], encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            try:
                if not line.endswith("\n"):
                    raise ValueError("no end")
                record = json.loads(line)
                fast[record["rec"]](record)
            except (ValueError, KeyError, TypeError, fastjsonschema.JsonSchemaException) as why:
                fail(number, line, why)
                continue
            shape = tuple(record)
            shapes[shape] = shapes.get(shape, 0) + 1
            if shapes[shape] <= PER_SHAPE:
                error = jsonschema.exceptions.best_match(slow.iter_errors(record))
                if error:
                    fail(number, line, error.message)
    print(f"{number} lines, {fail.count} not valid")
    return 1 if fail.count or not number else 0


sys.exit(main())
