#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a finding is about, and what comes close to it: findings.py WORD, a key of WHAT.

The process has no huge pages, so that each page of 4 KiB is a fault.
"""

import ctypes
import mmap
import os
import sys
import threading
import time

PR_SET_THP_DISABLE = 41
PAGE = 4096
MIB = 1 << 20
MAP_POPULATE = 0x8000
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def touch(mapping):
    """Writes to each page."""
    for offset in range(0, len(mapping), PAGE):
        mapping[offset] = 1


def in_threads(tasks):
    """Each in a thread of its own, at once, until all have ended."""
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def touch_and_give_back(size, times):
    """The same memory, again and again."""
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS)
    for _ in range(times):
        touch(mapping)
        mapping.madvise(mmap.MADV_DONTNEED)


def fill_from_threads(size, times):
    """Two CPUs do nothing but take faults, so often that it is long where a fault is cheap, and a
    large share of the run where the hypervisor takes most of a fault's time."""
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    halves = [address, address + size // 2]
    for _ in range(times):
        in_threads([lambda half=half: ctypes.memset(half, 1, size // 2) for half in halves])
        mapping.madvise(mmap.MADV_DONTNEED)


def libc():
    """With the calls that take or give addresses."""
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = library.malloc.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    return library


def allocate_and_free(size, times):
    """Blocks that malloc takes from the heap, whose top free gives back to the kernel."""
    library = libc()
    blocks = [0] * (size // (64 << 10))  # before: what lies above them keeps the top where it is
    for _ in range(times):
        for i in range(len(blocks)):
            blocks[i] = library.malloc(64 << 10)
            ctypes.memset(blocks[i], 1, 64 << 10)
        for block in reversed(blocks):
            library.free(block)


def mark(phase):
    """A phase begins."""
    os.write(int(os.environ["FAULTMAP_MARK"]), phase.encode() + b"\n")


def touch_in_a_phase(size, times):
    """The same memory again and again, in the middle of three phases."""
    mark("loop")
    touch_and_give_back(size, times)
    mark("rest")
    touch_and_give_back(MIB, 1)


def touch_as_go(size, times):
    """The same memory again and again, where the Go runtime has its heap."""
    library = libc()
    address = library.mmap(0xC000000000, size, mmap.PROT_READ | mmap.PROT_WRITE, ANONYMOUS, -1, 0)
    for _ in range(times):
        ctypes.memset(address, 1, size)
        library.madvise(address, size, mmap.MADV_DONTNEED)


def fill_arenas(number, size):
    """Threads that live at once, and allocate."""
    library = libc()
    everybody = threading.Barrier(number)

    def allocate():
        blocks = [library.malloc(64 << 10) for _ in range(size // (64 << 10))]
        for block in blocks:
            ctypes.memset(block, 1, 64 << 10)
        everybody.wait()

    in_threads([allocate] * number)


def fork_and_write(size, advice=mmap.MADV_NORMAL):
    """The child writes to what it shares with its parent."""
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS)
    mapping.madvise(advice)
    touch(mapping)
    child = os.fork()
    if child == 0:
        touch(mapping)
        os._exit(0)
    os.waitpid(child, 0)


def be_denied(times):
    """EFAULT each time: read(2) into memory that may not be written to."""
    mapping = mmap.mmap(-1, PAGE, flags=ANONYMOUS, prot=mmap.PROT_READ)
    library = libc()
    library.read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    address = library.mmap(None, PAGE, 0, ANONYMOUS, -1, 0)
    zero = os.open("/dev/zero", os.O_RDONLY)
    for _ in range(times):
        library.read(zero, address, 1)
    mapping.close()


def reserve(size, touched):
    """Asks for memory and uses the beginning of it."""
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS)
    touch(memoryview(mapping)[:touched])


def fill_huge(size):
    """Huge pages, as far as they are to be had."""
    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0)
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS)
    mapping.madvise(mmap.MADV_HUGEPAGE)
    for offset in range(0, size, 16 * PAGE):
        mapping[offset] = 1


def fork_huge_and_write(size):
    """The same, of huge pages, as far as they are to be had."""
    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0)
    fork_and_write(size, mmap.MADV_HUGEPAGE)


def fill_early(size, times, seconds):
    """The kernel fills it before the call returns, so often and until such calls took so long."""
    took = 0
    while times > 0 or took < seconds:
        times -= 1
        begin = time.monotonic()
        mapping = mmap.mmap(-1, size, flags=ANONYMOUS | MAP_POPULATE)
        took += time.monotonic() - begin
        mapping.close()


def fill_and_use(size, used):
    """The kernel fills it early; again and again a part of it is used, and a line says so."""
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS | MAP_POPULATE)
    while True:
        touch(memoryview(mapping)[:used])
        print("used", flush=True)


def start_threads(number):
    """One after the other, each with a stack of its own as long as others live."""
    go_on = threading.Event()
    threads = [threading.Thread(target=go_on.wait) for _ in range(number)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()


def read_pages(path, times):
    """Each page of a file, by a fault of its own, again and again."""
    with open(path, "rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    mapping.madvise(mmap.MADV_RANDOM)
    for _ in range(times):
        for offset in range(0, len(mapping), PAGE):
            mapping[offset]


WHAT = {
    "again": lambda: touch_and_give_back(16 * MIB, 12),
    "again-heap": lambda: allocate_and_free(16 * MIB, 12),
    "again-marked": lambda: touch_in_a_phase(16 * MIB, 12),
    "again-go": lambda: touch_as_go(16 * MIB, 12),
    "arenas": lambda: fill_arenas(40, 3 * MIB),
    "forever": lambda: touch_and_give_back(16 * MIB, 1 << 30),
    "once": lambda: touch_and_give_back(128 * MIB, 1),
    "small-pages": lambda: fill_from_threads(320 * MIB, 3),
    "huge-pages": lambda: fill_huge(320 * MIB),
    "reserved": lambda: reserve(2048 * MIB, MIB),
    "reserved-less": lambda: reserve(1000 * MIB, MIB),
    "populate": lambda: fill_early(16 * MIB, 18, 0.3),
    "populate-less": lambda: fill_early(16 * MIB, 1, 0),
    "unused": lambda: fill_and_use(128 * MIB, 16 * MIB),
    "unused-less": lambda: fill_and_use(128 * MIB, 96 * MIB),
    "threads": lambda: start_threads(560),
    "threads-less": lambda: start_threads(300),
    "read": lambda: read_pages(sys.argv[2], int(sys.argv[3])),
    "fork": lambda: fork_and_write(72 * MIB),
    "fork-huge": lambda: fork_huge_and_write(72 * MIB),
    "fork-small": lambda: fork_and_write(32 * MIB),
    "denied": lambda: be_denied(1200),
}

ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
WHAT[sys.argv[1]]()
