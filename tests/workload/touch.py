#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reserves private anonymous memory, then touches each of its pages with one write.

With --wait it prints a line "ready ..." and reads a line from stdin before the first touch and
again after the last, so that a test can look at the process in between.
"""

import argparse
import ctypes
import mmap
import resource
import sys


PR_SET_THP_DISABLE = 41


def reserve(size):
    """A mapping of small pages, also where transparent huge pages are `always`. The whole process
    has none, or khugepaged would add pages to it without a fault."""
    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def address_of(mapping):
    """Takes the buffer's address and reads nothing from it."""
    return ctypes.addressof(ctypes.c_char.from_buffer(mapping))


def touch(mapping):
    """Returns the (minor, major) faults that the process took meanwhile."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    for offset in range(0, len(mapping), mmap.PAGESIZE):
        mapping[offset] = 1
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_minflt - before.ru_minflt, after.ru_majflt - before.ru_majflt


def wait_at(step, wanted):
    if wanted:
        print(f"ready {step}", flush=True)
        sys.stdin.readline()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mib", type=int, help="MiB to reserve and touch")
    parser.add_argument("--wait", action="store_true", help="wait for a line before and after")
    arguments = parser.parse_args()
    if arguments.mib < 1:
        parser.error("at least 1 MiB")

    mapping = reserve(arguments.mib << 20)
    pages = len(mapping) // mmap.PAGESIZE
    print(f"reserved {arguments.mib} MiB at {address_of(mapping):#x}: {pages} pages, none touched",
          flush=True)
    wait_at("to touch", arguments.wait)
    minor, major = touch(mapping)
    print(f"touched {pages} pages: {minor} minor and {major} major faults meanwhile", flush=True)
    wait_at("to end", arguments.wait)


if __name__ == "__main__":
    main()
