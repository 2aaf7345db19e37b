#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A log shipper: listens at SOCKET and copies what each client sends to OUT.1, OUT.2, ...
usage: jsonl_reader.py SOCKET OUT"""
import os
import socket
import sys

path, out = sys.argv[1:]
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen()
number = 0
while True:
    client, _ = listener.accept()
    number += 1
    with open(f"{out}.{number}", "wb", buffering=0) as file:
        while chunk := client.recv(65536):
            file.write(chunk)
