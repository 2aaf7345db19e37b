#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Process 1 of a guest: runs the test files that the kernel's command line names, and writes their output to the
# console. Lines for run.sh, which makes the report, begin with @@.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /dev/shm /dev/pts /dev/hugepages
mount -t tmpfs tmpfs /dev/shm
mount -t devpts -o ptmxmode=666 devpts /dev/pts
ln -sf pts/ptmx /dev/ptmx
ln -sfn /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
mount -t cgroup2 cgroup2 /sys/fs/cgroup
hostname faultmap-vm
cd /faultmap || exit

# The value of a word of the kernel's command line.
argument()
{
	sed -nE "s/.*\\bfaultmap\\.$1=([^ ]*).*/\\1/p" /proc/cmdline
}

# Deadlines and numbers of processes are those of a machine that does not emulate.
export BUILD=/faultmap/build DEADLINE_FACTOR=8 WORK_DIVISOR=8
features=/run/features # what `faultmap check --json` says

# Whether the tests can run. For a kernel without a required feature the reason is printed; one that has them
# all and still does not work, by the end of what its verifier says.
check_kernel()
{
	local missing status limit=900

	timeout $limit build/faultmap check --json 2>&1 >"$features" | sed 's/^/@@CHECK /'
	status=${PIPESTATUS[0]}
	sed 's/^/@@CHECK /' "$features"
	# The tests ask again only if this is not set.
	LACKS=$(jq -rs 'map(select(.available | not).feature) | join(",")' "$features")
	export LACKS
	if [ "$status" -eq 0 ]; then
		printf '@@TAP check: ok 1 - it works here\n@@TAP check: 1..1\n@@TIME check %d 0\n' \
			"$SECONDS"
		return
	fi
	if [ "$status" -eq 124 ]; then
		echo "@@BROKEN faultmap check has not ended within $limit seconds"
		return 1
	fi
	missing=$(jq -r 'select(.required and (.available | not)) | "\(.feature): \(.why)"' "$features" |
		head -n 1)
	if [ -n "$missing" ]; then
		echo "@@MISSING $missing"
	else
		echo "@@BROKEN $(timeout 300 build/faultmap log -n 1 2>&1 | tail -n 1)"
		timeout 300 build/faultmap log -n 1 -v -v 2>&1 | tail -n 100 | sed 's/^/@@LOG /'
	fi
	return 1
}

run_tests()
{
	local test file before limit

	limit=$(($(argument deadline) - 300)) # so that the report still says which file it was
	for test; do
		before=$SECONDS
		file=tests/live/$test.sh
		[ -e "$file" ] || file=tests/vm/live/$test.sh
		timeout --kill-after=20 "$limit" "$file" </dev/null 2>&1 | sed -u "s/^/@@TAP $test: /"
		echo "@@TIME $test $((SECONDS - before)) ${PIPESTATUS[0]}"
	done
}

echo "@@BOOT $(uname -r) $(cut -d ' ' -f 1 /proc/uptime)"
tests=$(argument tests)
tests=${tests//,/ }
# shellcheck disable=SC2086
if check_kernel; then
	run_tests $tests
else
	run_tests refused
	for test in $tests; do
		echo "@@SKIPPED $test 0 0"
	done
fi
dmesg | grep -vi 'command line' | grep -E 'WARNING:|BUG:|Oops|detected( expedited)? stall|starved|INFO: task .* blocked' |
	sed 's/^/@@DMESG /'
echo "@@END"
sync
busybox poweroff -f
