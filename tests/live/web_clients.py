#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Clients that curl cannot be.

web_clients.py hold PORT N    N idle connections, one that sends a byte a second, some that do not read
                              what they ask for; says "ready", and when the slow one was cut
web_clients.py ask PORT [CA]  one connection: a "METHOD PATH [USER:PASSWORD]" per line of stdin, and a
                              "STATUS CONNECTION-HEADER" per line of stdout
web_clients.py flood PORT N   N clients that send bodies without an end; "told STATUS" for each, then "cut BYTES MOST":
                              what one of them could send, and could if nobody reads it
All until stdin or they are closed.
"""
import base64
import http.client
import resource
import select
import socket
import ssl
import sys


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def connect_unread(port):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
    return client


def hold(port, count):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    clients = [connect(port) for _ in range(count)]
    clients += [connect_unread(port) for _ in range(10)]
    slow = connect(port)
    slow.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([slow, sys.stdin], [], [], 1)
        if sys.stdin in readable:
            return
        try:
            if slow in readable and not slow.recv(1000):
                break
            slow.sendall(b"x")
        except OSError:
            break
    print("cut", flush=True)
    sys.stdin.read()


def ask(port, ca):
    if ca:
        context = ssl.create_default_context(cafile=ca)
        connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
    else:
        connection = http.client.HTTPConnection("localhost", port, timeout=30)
    connection.connect()
    connection.auto_open = 0  # the same connection or none
    print("ready", flush=True)
    for line in sys.stdin:
        method, path, *user = line.split()
        headers = {}
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(user[0].encode()).decode()
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            response.read()
            print(response.status, response.getheader("Connection"), flush=True)
        except (OSError, http.client.HTTPException) as error:
            print(0, type(error).__name__, flush=True)


def connect_narrow(port):
    """Its socket holds little, however late the server is: else it would grow to tcp_wmem[2], 4 MiB."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    client.connect(("127.0.0.1", port))
    return client


def most_unread(chunk):
    """What the sockets of both sides hold."""
    with socket.create_server(("127.0.0.1", 0)) as server, connect_narrow(server.getsockname()[1]) as client:
        client.setblocking(False)
        sent = 0
        while select.select([], [client], [], 1)[1]:
            sent += client.send(chunk)
        return sent


def flood(port, count):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    clients = [connect_narrow(port) for _ in range(count)]
    sent = dict.fromkeys(clients, 0)
    for client in clients:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    print("ready", flush=True)
    while clients:
        for client in list(clients):
            try:
                sent[client] += client.send(chunk)
                continue
            except OSError:
                clients.remove(client)
            try:
                status = client.recv(65536).split()[1].decode()
            except (OSError, IndexError):
                status = "nothing"
            print("told", status, flush=True)
    print("cut", max(sent.values()), most_unread(chunk), flush=True)
    sys.stdin.read()


if sys.argv[1] == "hold":
    hold(int(sys.argv[2]), int(sys.argv[3]))
elif sys.argv[1] == "flood":
    flood(int(sys.argv[2]), int(sys.argv[3]))
else:
    ask(int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
