#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""new_files.py DIRECTORY N: makes N files, one after another, and reads one page of each through a mapping.
Prints its pid."""

import mmap
import os
import sys

directory, count = sys.argv[1], int(sys.argv[2])
print(os.getpid())
for number in range(count):
    path = f"{directory}/new{number}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.write(fd, b"x" * mmap.PAGESIZE)
    with mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapping:
        mapping[0]
    os.close(fd)
    os.unlink(path)
