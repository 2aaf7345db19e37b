#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's delay accounting of each task that exits, as lines of JSON: nanoseconds, by taskstats' names.

The first line is "ready". Of struct taskstats (linux/taskstats.h) new fields come at its end; these are in version
13, of Linux 6.0.
"""

import json
import os
import socket
import struct

GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
CMD_GET, CMD_ATTR_REGISTER_CPUMASK = 1, 3
TYPE_PID, TYPE_STATS, TYPE_AGGR_PID = 1, 3, 4
NLM_F_REQUEST, NETLINK_GENERIC = 1, 16

FIELDS = {"cpu": 24, "blkio": 40, "swapin": 56, "freepages": 320, "thrashing": 336, "compact": 360, "wpcopy": 408}


def attribute(kind, data):
    """One attribute, padded."""
    return struct.pack("HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def attributes(data):
    """Their kinds and contents."""
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        yield kind & 0x3FFF, data[4:size]
        data = data[(size + 3) & ~3:]


def send(netlink, family, command, data):
    """A request to a family of generic netlink."""
    body = struct.pack("BBH", command, 1, 0) + data
    netlink.send(struct.pack("IHHII", 16 + len(body), family, NLM_F_REQUEST, 1, 0) + body)


def tell(data):
    """Prints what a message of taskstats says of a task."""
    for kind, task in attributes(data):
        parts = dict(attributes(task)) if kind == TYPE_AGGR_PID else {}
        if TYPE_STATS in parts:
            delays = {name: struct.unpack_from("Q", parts[TYPE_STATS], at)[0] for name, at in FIELDS.items()}
            print(json.dumps({"pid": struct.unpack("I", parts[TYPE_PID])[0], **delays}), flush=True)


def main():
    """Until it is ended."""
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    netlink.bind((0, 0))
    send(netlink, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, b"TASKSTATS\0"))
    family = struct.unpack("H", dict(attributes(netlink.recv(65536)[20:]))[CTRL_ATTR_FAMILY_ID])[0]
    cpus = f"0-{os.cpu_count() - 1}\0".encode()
    send(netlink, family, CMD_GET, attribute(CMD_ATTR_REGISTER_CPUMASK, cpus))
    print("ready", flush=True)
    while True:
        message = netlink.recv(65536)
        if struct.unpack_from("H", message, 4)[0] == family:
            tell(message[20:])


main()
