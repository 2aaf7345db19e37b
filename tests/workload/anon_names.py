#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""anon_names.py N: maps one page N times, named "a common beginning, then NUMBER", and writes to it. The kernel frees
each name with its mapping and mostly puts the next one in its place. Prints its pid; exits with 77 where the kernel
has no names for anonymous memory (CONFIG_ANON_VMA_NAME).
"""

import ctypes
import errno
import mmap
import os
import sys

PR_SET_VMA = 0x53564D41
PR_SET_VMA_ANON_NAME = 0

libc = ctypes.CDLL(None, use_errno=True)
for number in range(int(sys.argv[1])):
    memory = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    window = ctypes.c_char.from_buffer(memory)
    name = b"a common beginning, then %d" % number
    if libc.prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, ctypes.c_ulong(ctypes.addressof(window)),
                  ctypes.c_ulong(mmap.PAGESIZE), name):
        sys.exit(77 if ctypes.get_errno() == errno.EINVAL else 1)
    window.value = b"x"
    del window
    memory.close()
print(os.getpid())
