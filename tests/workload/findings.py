#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a finding is about, and what comes close to it: findings.py WORD, a key of WHAT.

The process has no huge pages, so that each page of 4 KiB is a fault.
"""

import ctypes
import mmap
import os
import sys

PR_SET_THP_DISABLE = 41
PAGE = 4096
MIB = 1 << 20
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def touch(mapping):
    """Writes to each page."""
    for offset in range(0, len(mapping), PAGE):
        mapping[offset] = 1


def touch_and_give_back(size, times):
    """The same memory, again and again."""
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS)
    for _ in range(times):
        touch(mapping)
        mapping.madvise(mmap.MADV_DONTNEED)


def fork_and_write(size):
    """The child writes to what it shares with its parent."""
    mapping = mmap.mmap(-1, size, flags=ANONYMOUS)
    touch(mapping)
    child = os.fork()
    if child == 0:
        touch(mapping)
        os._exit(0)
    os.waitpid(child, 0)


def be_denied(times):
    """EFAULT each time: read(2) into memory that may not be written to."""
    mapping = mmap.mmap(-1, PAGE, flags=ANONYMOUS, prot=mmap.PROT_READ)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    libc.read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    address = libc.mmap(None, PAGE, 0, ANONYMOUS, -1, 0)
    zero = os.open("/dev/zero", os.O_RDONLY)
    for _ in range(times):
        libc.read(zero, address, 1)
    mapping.close()


WHAT = {
    "again": lambda: touch_and_give_back(16 * MIB, 12),
    "forever": lambda: touch_and_give_back(16 * MIB, 1 << 30),
    "once": lambda: touch_and_give_back(128 * MIB, 1),
    "fork": lambda: fork_and_write(72 * MIB),
    "fork-small": lambda: fork_and_write(32 * MIB),
    "denied": lambda: be_denied(1200),
}

ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
WHAT[sys.argv[1]]()
