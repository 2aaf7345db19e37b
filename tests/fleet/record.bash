#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# record.bash FILE: records what fleet/hosts.sh replays: SECONDS_TO_RECORD (3600) of a daemon's expositions with its
# default flags, one each EVERY (15) seconds, on a machine that runs 40 units of real programs (and whatever else it
# runs). This is no test: it takes the hour.
# shellcheck disable=SC2016 # $ is of the units' shells
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

V2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
FILE=$(realpath -m "${1:?record.bash FILE}")
cgroups=()

# unit PATH COMMAND...: runs the command in a cgroup of this name.
unit()
{
	mkdir -p "$V2/$1" || exit 1
	cgroups+=("$V2/$1")
	start_background nice sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$V2/$1" "${@:2}" >/dev/null 2>&1
}

# service NAME COMMAND...
service()
{
	unit "system.slice/$1.service" "${@:2}"
}

# repeat SECONDS SCRIPT: the words of a command that runs the script again and again.
repeat()
{
	words=(bash -c "while :; do { $2; } </dev/null; sleep $1; done")
}

start_servers()
{
	local i port ports=""

	for i in 1 2 3 4 5 6; do
		port=$(free_port)
		ports+=" $port"
		service "web@$i" /usr/bin/python3 -m http.server --bind 127.0.0.1 -d /usr/share/doc "$port"
	done
	repeat 0.5 "for port in $ports; do curl -s --noproxy '*' http://127.0.0.1:\$port/ | tail -n 1; sleep 0.2; done"
	service proxy "${words[@]}"
	for i in 1 2 3 4 5 6; do
		service "app@$i" /usr/bin/python3 tests/fleet/program.py "cache" "$i"
	done
	for i in 1 2 3 4 5 6 7 8; do
		service "agent@$i" /usr/bin/python3 tests/fleet/program.py "idle" "$i"
	done
	service database /usr/bin/python3 tests/fleet/program.py "database" "$TMP/database"
	service search /usr/bin/python3 tests/fleet/program.py "search" "$TMP/index"
	service prefork /usr/bin/python3 tests/fleet/program.py "prefork" 1
}

start_jobs()
{
	local i

	repeat 45 "gcc -O1 -c -o '$TMP/object.o' tests/workload/churn.c"
	service build "${words[@]}"
	repeat 120 'tar -c /usr/share/doc/[a-c]* | gzip -1 | wc -c'
	service backup "${words[@]}"
	repeat 7 'seq 30000 | sort -R | awk "{ sum[\$1 % 97] += \$1 } END { print sum[1] }"'
	service logs "${words[@]}"
	repeat 23 'git -C "$PWD" log --oneline -n 50 | wc -l'
	service mirror "${words[@]}"
	repeat 60 'find /usr/lib -name "*.so" | wc -l; df; ps ax'
	service cron "${words[@]}"
	for i in 1 2 3 4 5 6 7 8; do
		repeat $((4 + i)) "ls -R /etc | wc -l; date; cat /proc/loadavg; sha256sum /bin/bash"
		unit "system.slice/docker-$(printf 'container %d' "$i" | sha256sum | cut -c1-64).scope" "${words[@]}"
	done
	repeat 9 'grep -r include src | wc -l; ls -l; perl -e "print join(q(,), map { \$_ * 2 } 1 .. 50000)" | wc -c'
	unit user.slice/user-1000.slice/session-3.scope "${words[@]}"
}

stop_units()
{
	local pid cgroup

	for pid in "${background_pids[@]}"; do
		stop_background "$pid"
	done
	for cgroup in "${cgroups[@]}"; do
		wait_for 180 rmdir "$cgroup"
	done
	rmdir "$V2/user.slice/user-1000.slice" "$V2/user.slice" "$V2/system.slice" 2>/dev/null
}

mkdir "$TMP/recorded"
start_daemon --interval 1 # its default
start_servers
start_jobs
echo "# ${#cgroups[@]} units run"
every=${EVERY:-15}
/usr/bin/python3 tests/fleet/hosts.py record "$url/metrics" $((${SECONDS_TO_RECORD:-3600} / every)) "$every" "$TMP/recorded"
stop_units
check "the recording is packed" /usr/bin/python3 tests/fleet/hosts.py pack "$TMP/recorded" "$every" "$FILE"
done_testing
