#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: bodies: 16 clients with endless bodies and headers
# For thirty seconds clients send endless bodies and headers of all sizes: others are served, ticks go on, and
# each client gets an answer. The short forms are in live/web.sh and test_http.c.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

SECONDS_LONG=${SECONDS_LONG:-30}

cpu_ticks()
{
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

start_daemon --interval 1
daemon=$BACKGROUND_PID
before=$(cpu_ticks "$daemon")
/usr/bin/python3 - "${target##*:}" "$SECONDS_LONG" >"$TMP/flood" <<'END' &
import socket, sys, threading, time

port, seconds = int(sys.argv[1]), float(sys.argv[2])
end = time.monotonic() + seconds
counts = {"bytes": 0, "told": 0, "silent": 0}
lock = threading.Lock()
HEAD = b"Host: localhost\r\n"
BODIES = [b"GET /metrics HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
          b"HEAD / HTTP/1.1\r\n" + HEAD + b"Content-Length: 999999999999\r\n\r\n",
          b"POST /-/reload HTTP/1.1\r\n" + HEAD + b"Content-Length: 999999999999\r\n\r\n"]


def attack(number):
    size = number * 97
    while time.monotonic() < end:
        size = (size * 13 + 7) % 23000
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        answer, sent = b"", 0
        try:
            if number % 2:
                client.sendall(BODIES[size % 3])
                for _ in range(1000):
                    sent += client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            else:
                client.sendall(b"GET / HTTP/1.1\r\n" + HEAD + b"Connection: close\r\nX: " +
                               b"x" * size + b"\r\n\r\n")
            answer = client.recv(4096)
        except OSError:
            try:
                answer = client.recv(4096)
            except OSError:
                answer = b"reset"  # the answer was on its way when our bytes met the end
        client.close()
        with lock:
            counts["bytes"] += sent
            counts["told" if answer else "silent"] += 1


threads = [threading.Thread(target=attack, args=(i,)) for i in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counts["bytes"], counts["told"], counts["silent"])
END
flood=$!
failed=0 scrapes=0
while kill -0 "$flood" 2>/dev/null; do
	curl -s --noproxy '*' -m "$(longer 20)" -f -o "$TMP/page" "http://$target/metrics" || failed=$((failed + 1))
	scrapes=$((scrapes + 1))
done
wait "$flood"
read -r bytes told silent <"$TMP/flood"
echo "# $told clients told, $((bytes / told)) bytes sent by each, $((($(cpu_ticks "$daemon") - before) * 10)) ms of CPU," \
	"$scrapes scrapes meanwhile"
check_equal "no scrape failed" "$failed" 0
check_equal "no client was left without an answer" "$silent" 0
check "there were some" test "$told" -gt 100
stop_background "$daemon"
check_equal "it ends with 0" "$?" 0
done_testing
