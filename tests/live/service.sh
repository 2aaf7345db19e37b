#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# The units in a booted system, a container with systemd as its first process: started, scraped from
# outside, reloaded, killed, hung, stopped, with the capabilities that /proc shows.
#
# The container has this machine's /usr and an /etc of its own, and a PID namespace, whose processes are the
# ones that faultmap counts.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

root=$TMP/root
machine=faultmap-test-$$
prefix=/opt/faultmap
etc=$root/etc
conf=$etc/faultmap/faultmap.conf
leader=

# in_container COMMAND...
in_container()
{
	timeout 300 nsenter -t "$leader" -a "$@"
}

make_root()
{
	local link

	mkdir -p "$root"/{etc,usr,var/lib,tmp,run,root,opt,proc,sys,dev}
	for link in bin sbin lib lib64; do
		[ ! -L "/$link" ] || ln -s "$(readlink "/$link")" "$root/$link"
	done
	cp /usr/lib/os-release "$etc/"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$etc/passwd"
	echo 'root:x:0:' >"$etc/group"
	make -s install "BUILD=$BUILD" "DESTDIR=$root" PREFIX=$prefix UNITDIR=/etc/systemd/system
	# Nothing of what this machine has installed.
	cat >"$etc/systemd/system/container.target" <<-'END'
		[Unit]
		Wants=systemd-journald.service faultmap.socket faultmap.service
		AllowIsolate=yes
	END
	mkdir "$etc/systemd/system/faultmap."{service,socket}.d
	cat >"$etc/systemd/system/faultmap.service.d/container.conf" <<-END
		[Service]
		ExecStart=
		ExecStart=$prefix/bin/faultmap daemon
		WatchdogSec=4
	END
	cat >"$etc/systemd/system/faultmap.socket.d/port.conf" <<-END
		[Socket]
		ListenStream=
		ListenStream=127.0.0.1:$port
	END
	check_unit check
	check_unit check-less SystemCallFilter=~bpf ProtectProc=invisible
	configure
}

# configure [LINE...]
configure()
{
	printf '%s\n' 'interval = 0.2' 'verbose = 1' 'jsonl = /var/log/faultmap/log' "$@" >"$conf"
}

# The first process in the container: nspawn's child, once it is systemd.
find_leader()
{
	leader=$(ps -o pid= --ppid "$(ps -o pid= --ppid "$BACKGROUND_PID" | tr -d ' ')" | tr -d ' ')
	[ "$(cat "/proc/${leader:-0}/comm")" = systemd ]
}

boot()
{
	timeout --foreground 300 systemd-nspawn --quiet --directory="$root" --machine="$machine" \
		--boot --register=no --keep-unit --console=pipe --capability=all \
		--system-call-filter="bpf perf_event_open" --bind-ro=/usr \
		systemd.unit=container.target systemd.show_status=0 </dev/null >"$TMP/console" 2>&1 &
	BACKGROUND_PID=$!
	background_pids+=("$BACKGROUND_PID")
	wait_for 120 find_leader && wait_for 60 is_up
}

# property NAME: of the service.
property()
{
	in_container systemctl show -P "$1" faultmap.service
}

# up [RESTARTS]: running, restarted so often.
is_up()
{
	[ "$(property ActiveState)" = active ] && [ "$(property NRestarts)" = "${1:-0}" ]
}

has_counted()
{
	scrape && [ "$(value faultmap_entries_total)" -gt 0 ]
}

# capabilities: what the threads of the service have, each line once.
capabilities()
{
	in_container sh -c "cat /proc/$(property MainPID)/task/*/status" |
		grep -E '^(Cap|NoNewPrivs)' | tr -d '\t' | sort -u | paste -sd ' '
}

journal()
{
	in_container journalctl -q -u faultmap.service --no-pager -o cat >"$TMP/journal"
}

# check_unit NAME [SETTING...]: `faultmap check` in the sandbox of the unit that ships, but for what is said.
check_unit()
{
	{
		sed -E '/^(Watchdog|Restart|Exec|State|Runtime)/d; s/^Type=.*/Type=oneshot/; /^\[Install/,$d' \
			"$etc/systemd/system/faultmap.service"
		echo "ExecStart=$prefix/bin/faultmap check"
		printf '%s\n' "${@:2}"
	} >"$etc/systemd/system/$1.service"
}

# What nspawn leaves of a container that was not registered.
cleanup_container()
{
	rmdir "/run/systemd/nspawn/propagate/$machine" 2>/dev/null
	for group in ${new_groups[@]+"${new_groups[@]}"}; do
		[ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	done
}

if ! command -v systemd-nspawn >/dev/null; then
	skip "the service in a booted system" "systemd-nspawn is not installed"
	done_testing
fi
port=$(free_port)
url=http://127.0.0.1:$port
# Beside the group that this shell is in.
new_groups=()
while IFS=: read -r _ controllers path; do
	case $controllers in
	name=systemd) mount=/sys/fs/cgroup/systemd ;;
	"") mount=/sys/fs/cgroup/unified ;;
	*) continue ;;
	esac
	for group in payload supervisor; do
		[ -d "$mount$path/$group" ] || new_groups+=("$mount$path/$group")
	done
done </proc/self/cgroup
trap 'cleanup_test; cleanup_container' EXIT

make_root >"$TMP/make" 2>&1
if boot; then
	ok "systemd starts it, and takes it as ready after its first tick"
else
	not_ok "systemd starts it" "$(tail -n 30 "$TMP/make" "$TMP/console")" \
		"$([ -z "$leader" ] || in_container systemctl status faultmap.service 2>&1)"
	done_testing
fi
check "a scrape from outside, through the socket unit" scrape
check "it counts faults" wait_for 120 has_counted
check "the ticks go on" await_ticks 1
check_equal "as a user of its own" "$(
	uid=$(ps -o uid= -p "$(pgrep -P "$leader" -x faultmap)")
	echo $((uid >= 61184 && uid <= 65519)))" 1
# Without CAP_SYS_RESOURCE, as in some containers, systemd leaves the latter out.
oom=$(sh -c 'echo -500 >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj' 2>/dev/null)
check_equal "before others for the CPU, and after them for the OOM killer" \
	"$(in_container sh -c "ps -o ni= -p $(property MainPID); cat /proc/$(property MainPID)/oom_score_adj" |
		tr -d ' ' | paste -sd ' ')" "-5 $oom"
all=$((1 << 21 | 1 << 38 | 1 << 39)) less=$((1 << 38 | 1 << 39))
none=0000000000000000
expected="CapAmb:$none CapBnd:%016x CapEff:$none CapInh:$none CapPrm:$none NoNewPrivs:1"
# shellcheck disable=SC2059
check_equal "no capability is left after attaching" "$(capabilities)" "$(printf "$expected" $all)"
check_equal "its directory for sockets is closed to others" \
	"$(in_container stat -L -c %a /run/faultmap)" 750
check "JSON lines in /var/log/faultmap" wait_for 120 grep -q '"rec":"interval"' \
	"$root/var/log/private/faultmap/log"
check "each of them is JSON" jq -e .rec "$root/var/log/private/faultmap/log"

# What `check` says to a service that lacks something.
check "check within the sandbox finds all there" in_container systemctl start check.service
in_container systemctl start check-less.service 2>"$TMP/out"
in_container journalctl -q -u check-less.service --no-pager -o cat >"$TMP/out"
check_contains "check names a seccomp filter" "$TMP/out" '^(MISSING|REFUSED) +bpf_syscall .*SystemCallFilter='
check_contains "check names a hidden /proc" "$TMP/out" '^no +proc .*ProtectProc=default'
pid=$(property MainPID)
configure
sed -i 's|/log$|/log2|; s/0.2/0.1/' "$conf"
check "systemctl reload" in_container systemctl reload faultmap.service
check "it takes the new configuration" wait_for 120 grep -q '"interval_seconds":0.1' \
	"$root/var/log/private/faultmap/log2"
configure 'intervall = 1'
check_status "systemctl reload fails for a bad file" 1 in_container systemctl reload faultmap.service
journal
check_contains "the journal has line and reason" "$TMP/journal" \
	'^faultmap: /etc/faultmap/faultmap.conf:4: unknown key "intervall"'
check_equal "the same process goes on" "$(property MainPID)" "$pid"
check "and a scrape does" scrape
configure

in_container systemctl kill --kill-who=main --signal=KILL faultmap.service
check "killed: a scrape waits for the next one" scrape
check "killed: systemd has restarted it" wait_for 120 is_up 1

in_container systemctl kill --kill-who=main --signal=STOP faultmap.service
check "stopped by SIGSTOP: the watchdog kills it, systemd restarts it" wait_for 120 is_up 2
journal
check_contains "the journal names the watchdog" "$TMP/journal" 'Watchdog timeout'
check "the ticks go on" await_ticks 1

# Without CAP_SYS_ADMIN: this kernel may still allow perf events (perf_event_paranoid).
cp "$root$prefix/share/faultmap/no-sys-admin.conf" "$etc/systemd/system/faultmap.service.d/"
in_container systemctl daemon-reload
check "no-sys-admin.conf: it starts" in_container systemctl restart faultmap.service
# shellcheck disable=SC2059
check_equal "no-sys-admin.conf: capabilities" "$(capabilities)" "$(printf "$expected" $less)"
check "no-sys-admin.conf: the ticks go on" await_ticks 1

check "systemctl stop" in_container systemctl stop faultmap.service faultmap.socket
check_equal "it has ended as it should" "$(property Result):$(property ExecMainStatus)" success:0
check_status "nobody answers any more" 7 curl -s --noproxy '*' -m 10 "http://127.0.0.1:$port/"
check "the container ends" in_container systemctl --force poweroff
wait_for 120 process_ended "$BACKGROUND_PID" || not_ok "the container has ended"
done_testing
