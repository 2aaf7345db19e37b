# SPDX-License-Identifier: GPL-2.0-only
"""A compressed log of three hours, as faultmap-jsonl(5) describes the format: a frame for each minute, with an
interval of a minute. usage: frames.py >FILE.gz"""
import struct
import sys
import zlib

COUNTERS = ("entries", "minor", "major", "denied", "aborted", "gup", "lost_completions", "map_full", "unresolved",
            "names_lost", "exits_lost", "stamps_lost", "lines_lost")
BEGIN = 1763805600  # 2025-11-22T10:00:00Z


def lines_of(minute):
    ts = '"ts":"2025-11-22T%02d:%02d:00.000Z"' % (10 + minute // 60, minute % 60)
    text = ""
    if minute == 0:
        text += ('{"rec":"meta","v":1,"faultmap":"0.1.0","since":"2025-11-22T09:59:00.000Z","host":"frames",'
                 '"kernel":"6.1","page_size":4096,"detail":"fast","hooks":[],"interval_seconds":60.0,"lines_lost":0,'
                 '"lines_lost_total":0}\n')
    counts = "".join(f',"{name}":0,"{name}_total":0' for name in COUNTERS)
    text += '{"rec":"interval",%s,"seconds":60.0,"in_flight":0%s}\n' % (ts, counts)
    pid = 1000 + minute
    text += ('{"rec":"faults",%s,"pid":%d,"start_ns":1,"comm":"at-%d","mapping":"[anon]","mapping_id":"0x%x",'
             '"map_start":"0x1000","map_end":"0x2000","map_offset":0,"perms":"rw-p","kind":"demand_zero",'
             '"access":"write","mode":"user","minor":600,"minor_total":600,"major":0,"major_total":0,"denied":0,'
             '"denied_total":0,"pages":600,"pages_total":600}\n' % (ts, pid, minute, minute + 1))
    return text.encode()


for minute in range(180):
    plain = lines_of(minute)
    pack = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = pack.compress(plain) + pack.flush()
    ms = (BEGIN + 60 * minute) * 1000
    size = 12 + 36 + len(packed) + 8
    figures = struct.pack("<BBHIIIqq", 1, minute == 0, 0, size, len(plain), plain.count(b"\n"), ms, ms)
    sys.stdout.buffer.write(
        b"\x1f\x8b\x08\x04\0\0\0\0\0\x03" + struct.pack("<H", 36) + b"FM" + struct.pack("<H", 32) + figures + packed
        + struct.pack("<II", zlib.crc32(plain), len(plain)))
