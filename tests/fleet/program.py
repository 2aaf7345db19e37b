# SPDX-License-Identifier: GPL-2.0-only
"""What fleet/record.bash runs as services.

program.py cache N         keeps some thousand objects and replaces them at random
program.py idle N          wakes up each ten seconds
program.py database FILE   inserts into a table of SQLite, and asks it
program.py search FILE     reads pages of a mapped file that is no longer in the page cache
program.py prefork N       forks children that write to what they share
"""
import mmap
import os
import random
import sqlite3
import sys
import time


def cache(which):
    values = {}
    while True:
        for _ in range(2000):
            values[random.randrange(20000)] = os.urandom(random.choice((40, 400, 4000)))
        time.sleep(0.5 + 0.1 * int(which))


def idle(which):
    while True:
        time.sleep(10 + int(which))
        len(os.listdir("/proc"))


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (customer integer, text)")
        while True:
            for _ in range(200):
                connection.execute("insert into orders values (?, ?)", (random.randrange(99), "x" * 200))
            connection.commit()
            connection.execute("select customer, count(*) from orders group by customer").fetchall()
            connection.execute("delete from orders where rowid % 7 = 3")
            time.sleep(2)


def search(path):
    size = 32 << 20
    with open(path, "w+b") as file:
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())
        while True:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as index:
                index.madvise(mmap.MADV_RANDOM)
                sum(index[random.randrange(size)] for _ in range(300))
            time.sleep(5)


def prefork(_):
    shared = bytearray(24 << 20)
    while True:
        if not os.fork():
            for page in range(0, len(shared), 8 * mmap.PAGESIZE):
                shared[page] = 1
            os._exit(0)
        os.wait()
        time.sleep(3)


globals()[sys.argv[1]](sys.argv[2])
