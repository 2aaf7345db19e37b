#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 15 s
# --debuginfod: a program without symbols has the names and lines that a server has for it, and no server is asked
# without the flag, whatever the environment says. The server writes down what it is asked for.

. "$(dirname "$0")/../lib.sh"

find_lacks
if lacks maple_tree; then
	skip "debuginfod" "Linux 6.1 is needed to walk stacks"
	done_testing
fi
if ! ldconfig -p | grep -q 'libdebuginfod\.so\.1'; then
	skip "debuginfod" "libdebuginfod is not installed"
	done_testing
fi

program=$TMP/stripped
gcc -O1 -g -fno-omit-frame-pointer -pthread -Wl,--build-id -o "$program" tests/workload/callers.c &&
	objcopy --only-keep-debug "$program" "$TMP/debug" && strip "$program"
check_equal "a program without symbols" $? 0
id=$(readelf -n "$program" | sed -n 's/.*Build ID: //p')
mkdir -p "$TMP/srv/buildid/$id"
cp "$TMP/debug" "$TMP/srv/buildid/$id/debuginfo"

# With a length, without one and without an end, or no answer at all, as the file "how" says.
cat >"$TMP/server.py" <<'END'
import http.server, os, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        how = open("how").read()
        with open("asked", "a") as asked:
            asked.write(self.path + "\n")
        if how == "silent":
            time.sleep(600)
        path = "srv" + self.path
        if not os.path.isfile(path):
            self.send_error(404)
            return
        self.send_response(200)
        data = open(path, "rb").read()
        if how != "endless":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        try:
            while how == "endless":
                self.wfile.write(bytes(1 << 16))
                time.sleep(0.01)
        except OSError:
            pass

    def log_message(self, form, *values):
        pass

os.chdir(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
open("port", "w").write(str(server.server_port))
server.serve_forever()
END
printf whole >"$TMP/how"
start_background python3 "$TMP/server.py" "$TMP"
wait_for 30 test -s "$TMP/port"
server=http://127.0.0.1:$(cat "$TMP/port")
export DEBUGINFOD_URLS=$server no_proxy='*' NO_PROXY='*'

# profile FLAG...: with a cache that has nothing.
profile()
{
	rm -rf "$TMP/cache" "$TMP/asked"
	DEBUGINFOD_CACHE_PATH=$TMP/cache "$FAULTMAP" stacks --all --folded "$TMP/folded" "$@" -- "$program" \
		>"$TMP/said" 2>"$TMP/table"
}

# As "FAULTS FUNCTION", of what the program says.
said()
{
	awk '$1 == "code" { sum[$3] += $5 } $1 == "thread" { sum["touch"] += $6 }
		END { for (name in sum) print sum[name], name }' "$TMP/said" | sort
}

counted()
{
	sed -n 's/^stripped[^;]*;\(.*\);\[anon\] (demand_zero\(, sampled\)*) \([0-9]*\)$/\3 \1/p' "$TMP/folded" |
		awk '{ n = split($2, frames, ";"); sum[frames[n]] += $1 } END { for (name in sum) print sum[name], name }' |
		grep ' touch' | sort
}

# What the server was asked for.
asked()
{
	sort -u "$TMP/asked" 2>/dev/null
}
check "without the flag" profile
check_equal "no function has a name" "$(counted)" ""
check_equal "no server is asked, though the environment names one" "$(asked)" ""

check "with it" profile --debuginfod "$server"
check_equal "each function has its faults" "$(counted)" "$(said)"
check_contains "and its line" "$TMP/table" '  touch  .* callers\.c:[0-9]+ '
check_equal "the program's was asked for" "$(asked | grep -F "$id")" "/buildid/$id/debuginfo"
check_equal "nothing but debug information" "$(asked | grep -v '^/buildid/[0-9a-f]*/debuginfo$')" ""
rm -f "$TMP/asked"
"$FAULTMAP" run --stacks --json -o "$TMP/log" -- "$program" >"$TMP/said"
check_equal "run without the flag asks none" "$(asked)" ""
report()
{
	DEBUGINFOD_CACHE_PATH=$TMP/cache "$FAULTMAP" report --code --folded "$TMP/folded" "$@" "$TMP/log" >/dev/null
}
check "report without it" report
check_equal "report has no names" "$(counted)" ""
check "report with it" report --debuginfod "$server"
check_equal "report: each function has its faults" "$(counted)" "$(said)"
check_equal "what is kept is not asked for again" "$(asked | grep -F "$id")" ""

# Bounds.
check_equal "what is larger is not taken" \
	"$(DEBUGINFOD_MAXSIZE=1000 profile --debuginfod "$server"; counted)" ""
printf endless >"$TMP/how"
check_equal "nor what has no end" "$(DEBUGINFOD_MAXTIME=1 profile --debuginfod "$server"; counted)" ""
printf silent >"$TMP/how"
check "nobody waits for ever for a server that is silent" \
	env DEBUGINFOD_TIMEOUT=1 timeout "$(longer 60)" "$FAULTMAP" report --code --folded "$TMP/folded" \
	--debuginfod "$server" "$TMP/log"
printf whole >"$TMP/how"
check "nor for one that is not there" profile --debuginfod http://127.0.0.1:1
check_contains "which has no names either" "$TMP/table" 'stripped\+0x'

# What is installed here is used without a server.
installed()
{
	unshare -m sh -c 'mount -t tmpfs none /usr/lib/debug && mkdir -p "$1" && cp "$2" "$3" && shift 3 && exec "$@"' \
		sh "/usr/lib/debug/.build-id/${id:0:2}" "$TMP/debug" "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" "$@"
}
mkdir /usr/lib/debug 2>/dev/null && made=1
rm -f "$TMP/asked"
check "report, with debug information in /usr/lib/debug" installed "$FAULTMAP" report --code --folded "$TMP/folded" "$TMP/log"
check_equal "it is used" "$(counted)" "$(said)"
check_equal "without a server" "$(asked)" ""
[ -z "${made-}" ] || rmdir /usr/lib/debug

# The daemon: names come when the server has answered; ticks do not wait.
named()
{
	await_ticks 1
	"$program" >"$TMP/said"
	await_ticks 1
	curl -sf --noproxy '*' "$url/debug/pprof/faults?seconds=5" | gzip -dc >"$TMP/plain" &&
		python3 tests/live/pprof.py faults stripped <"$TMP/plain" | grep -q ' touch walk$'
}
rm -rf "$TMP/cache"
start_daemon --stacks --mappings-names all --interval 0.3
named
check_equal "the daemon without the flag asks none" "$(asked)" ""
stop_background "$daemon"
printf silent >"$TMP/how"
DEBUGINFOD_CACHE_PATH=$TMP/cache DEBUGINFOD_TIMEOUT=2 start_daemon --stacks --mappings-names all --interval 0.3 \
	--debuginfod "$server"
named
check "the daemon asks" wait_for 60 test -s "$TMP/asked" # once it has answered, or was left
check "the loop goes on" await_ticks 2
stop_background "$daemon"
printf whole >"$TMP/how"
rm -rf "$TMP/cache"
DEBUGINFOD_CACHE_PATH=$TMP/cache start_daemon --stacks --mappings-names all --interval 0.3 --debuginfod "$server"
check "the daemon has the names" wait_for 60 named
stop_background "$daemon"
check_equal "it ends well" $? 0

for wrong in "" "localhost" "http:// x" "ftp://a"; do
	"$FAULTMAP" stacks --debuginfod "$wrong" -- true 2>"$TMP/err"
	check_equal "\"$wrong\" is no server: exit status" $? 2
done
done_testing
