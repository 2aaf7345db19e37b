#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Faults in known parts of known mappings, and says how many in which part of SIZE bytes.

Prints one JSON line per case: name, pid, start and end of the mapping, what getrusage counted while
its pages were touched, and as `parts` the (start, end, faults) of each part of SIZE at a multiple
of SIZE that was touched. Each page is touched once; nothing but the touching is counted.
"""

import argparse
import ctypes
import json
import mmap
import os
import resource
import sys
import tempfile

PAGE = mmap.PAGESIZE
MIB = 1 << 20
GIB = 1 << 30
PROT_NONE, PROT_READ, PROT_WRITE = 0, 1, 2
MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 2, 0x10, 0x20, 0x4000
MADV_RANDOM, MADV_HUGEPAGE, MADV_NOHUGEPAGE = 1, 14, 15

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def map_at(address, size, prot, flags, fd=-1):
    at = libc.mmap(address, size, prot, MAP_PRIVATE | flags, fd, 0)
    if at in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    return at


def reserve(size, align, offset=0):
    """Where `size` bytes fit at a multiple of align + offset, among pages that nothing may touch."""
    area = map_at(None, size + 2 * align + offset, PROT_NONE, MAP_ANONYMOUS | MAP_NORESERVE)
    return (area + PAGE + align - 1) // align * align + offset


def advise(start, size, advice):
    """False where this kernel knows nothing of it (EINVAL: built without huge pages)."""
    return libc.madvise(start, size, advice) == 0


def anonymous(size, align, offset=0, advice=MADV_NOHUGEPAGE):
    start = reserve(size, align, offset)
    map_at(start, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED)
    advise(start, size, advice)
    return start


def counters():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt, usage.ru_majflt


def touch(name, start, size, addresses, part_size, write=True, pages_each=1):
    parts = {}
    for address in addresses:
        part = address // part_size * part_size
        parts[part] = parts.get(part, 0) + 1
    byte = ctypes.c_char.from_address
    cells = [byte(address) for address in addresses]
    own = ctypes.c_char()
    for _ in range(2):  # the code that touches and counts is mapped then, wherever it was evicted
        own.value = own.value
        counters()
    before = counters()
    for cell in cells:
        if write:
            cell.value = b"x"
        else:
            cell.value
    after = counters()
    print(json.dumps({
        "name": name, "pid": os.getpid(), "start": hex(start), "end": hex(start + size),
        "minor": after[0] - before[0], "major": after[1] - before[1], "pages_each": pages_each,
        "parts": [[hex(at), hex(at + part_size), parts[at]] for at in sorted(parts)],
    }))


def quarter(size):
    start = anonymous(64 * MIB, 2 * MIB)
    pages = range(start + 16 * MIB, start + 32 * MIB, PAGE)
    touch("quarter", start, 64 * MIB, pages, size)


def unaligned(size):
    start = anonymous(5 * MIB, 2 * MIB, MIB + PAGE)
    touch("unaligned", start, 5 * MIB, range(start, start + 5 * MIB, PAGE), size)


def scattered(size):
    """Neighbouring faults are in different parts: no run of them in one."""
    start = anonymous(32 * MIB, 2 * MIB)
    pages = [start + part * 2 * MIB + page * PAGE for page in range(40) for part in range(16)]
    touch("scattered", start, 32 * MIB, pages, size)


def huge(size):
    start = anonymous(16 * MIB, 2 * MIB, advice=MADV_HUGEPAGE)
    touch("huge", start, 16 * MIB, [start + 2 * MIB + 5 * PAGE, start + 8 * MIB], size,
          pages_each=512)


def make_file(directory):
    """Page by page, so that the page cache has small pages: a large folio is mapped at once."""
    file = tempfile.TemporaryFile(dir=directory, buffering=0)
    for _ in range(16 * MIB // PAGE):
        file.write(b"x" * PAGE)
    os.fsync(file.fileno())
    return file


def file_cached(size, directory):
    """One fault for each window of fault-around, 64 KiB."""
    with make_file(directory) as file:
        start = reserve(16 * MIB, 2 * MIB)
        map_at(start, 16 * MIB, PROT_READ, MAP_FIXED, file.fileno())
        pages = [start + 4 * MIB + i * 16 * PAGE for i in range(20)] + [start + 15 * MIB]
        touch("file_cached", start, 16 * MIB, pages, size, write=False, pages_each=16)


def file_major(size, directory):
    with make_file(directory) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        start = reserve(16 * MIB, 2 * MIB)
        map_at(start, 16 * MIB, PROT_READ, MAP_FIXED, file.fileno())
        advise(start, 16 * MIB, MADV_RANDOM)
        pages = [start + i * 32 * PAGE for i in range(5)]
        pages += [start + 12 * MIB + i * 32 * PAGE for i in range(7)]
        touch("file_major", start, 16 * MIB, pages, size, write=False)


def terabyte():
    """Each GiB of it three times: more parts of 4 KiB than anybody wants to count."""
    start = anonymous(1024 * GIB, GIB)
    pages = [start + part * GIB + i * 300 * MIB for part in range(1024) for i in range(3)]
    touch("terabyte", start, 1024 * GIB, pages, GIB)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", type=int, help="of a part, bytes")
    parser.add_argument("directory", help="on a disk")
    parser.add_argument("cases", nargs="+")
    arguments = parser.parse_args()
    for case in arguments.cases:
        if case == "terabyte":
            terabyte()
        elif case.startswith("file_"):
            globals()[case](arguments.size, arguments.directory)
        else:
            globals()[case](arguments.size)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
