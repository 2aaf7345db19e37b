#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots Debian's kernels under QEMU and runs the live tests in them. Prints a line per guest and test
# and, at the end, "N passed, N failed, N skipped". Consoles stay in $BUILD/vm/.
# usage: tests/vm/run.sh [GUEST...]     a guest's name, a pattern ("arm64-*"), or "short"
# A run of every guest with its own tests leaves $BUILD/vm/complete, which tables.sh asks for.
# environment: BUILD, CACHE, JOBS (guests at a time), TESTS ("kinds,log" instead of each guest's own)

set -u
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1
. tests/vm/guests.bash
. tests/vm/apt.bash
. tests/vm/images.bash

BUILD=$(realpath -m "${BUILD:-build}")
CACHE=${CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/faultmap-vm}
JOBS=${JOBS:-$(nproc)}
DEADLINE=${DEADLINE:-1500} # seconds for one guest
WORK=$BUILD/vm
chosen=() # "NAME ARCH TESTS"
SUITE=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# Mitigations, and the clearing of pages that are allocated, cost an emulated machine a quarter of its speed. On a
# busy host its CPUs stand still for half a minute: no lockup, and no stall of RCU.
EMULATED='mitigations=off init_on_alloc=0 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120'

trap 'exit 143' TERM INT

# timeout(1) is in a process group of its own, which no Ctrl-C reaches.
stop_guests()
{
	[ "$BASHPID" = "$$" ] || return
	cat "$WORK"/*/pid 2>/dev/null | xargs -r kill 2>/dev/null
}

die()
{
	echo "check-vm: $*" >&2
	exit 1
}

# wanted GUEST NAME...: one of the names is the guest's, a pattern that it matches, or "short".
wanted()
{
	local guest=$1 name
	shift

	[ $# -gt 0 ] || return 0
	for name; do
		# shellcheck disable=SC2053
		[[ $guest == $name ]] && return 0
		[ "$name" = short ] && [[ " $short " == *" $guest "* ]] && return 0
	done
	return 1
}

# prepare NAME ARCH SUITE PATTERN: leaves all that the guest boots from in $WORK/NAME, or the reason
# why it cannot boot in $WORK/NAME/failed.
prepare()
{
	local dir=$WORK/$1 arch=$2

	rm -rf "$dir"
	mkdir -p "$dir"
	if tests_disk "$arch" && userland "$arch" && kernel "$3" "$arch" "$4" &&
		initramfs "$RELEASE" "$arch" "$dir/initramfs"; then
		echo "$RELEASE" >"$dir/release"
		apt-cache show "linux-image-$RELEASE" | sed -n 's/^Version: //p;T;q' >"$dir/version"
		ln -s "$CACHE/kernels/$RELEASE/vmlinuz" "$dir/vmlinuz"
		ln -s "$USERLAND/root.img" "$dir/programs.img"
	fi 2>"$dir/failed"
	cat "$dir/failed" >&2
}

# qemu_options NAME ARCH TESTS: sets the array `options`.
# TCG with one thread: with one thread per CPU it executes a breakpoint after the kernel has patched it
# out again ("Oops: int3"), just when tracepoints are switched, which is what attaching does.
qemu_options()
{
	# No timer check: it counts few ticks on a busy host, and panics.
	local dir=$WORK/$1 console='ttyS0 no_timer_check'

	options=(qemu-system-x86_64 -M q35 -cpu max)
	if [ "$2" = arm64 ]; then
		console=ttyAMA0
		options=(qemu-system-aarch64 -M "virt,gic-version=3" -cpu cortex-a57)
	fi
	options+=(-accel "tcg,thread=single" -m 2048 -smp 2 -nographic -nodefaults -no-reboot
		-serial stdio -kernel "$dir/vmlinuz" -initrd "$dir/initramfs")
	variant_of "$1"
	options+=(-append "console=$console panic=-1 oops=panic quiet loglevel=1 $EMULATED $APPEND \
		faultmap.tests=$3 faultmap.deadline=$DEADLINE")
	add_disk programs "$dir/programs.img"
	add_disk tests "$WORK/tests-$2.img"
}

# add_disk SERIAL IMAGE [OPTION]: what the guest writes is lost.
add_disk()
{
	options+=(-drive "file=$2,format=raw,if=none,id=$1,snapshot=on,cache=unsafe${3:+,$3}"
		-device "nvme,drive=$1,serial=$1")
}

# blank_disk SERIAL MIB [OPTION]
blank_disk()
{
	truncate -s "$2M" "$WORK/$1.img"
	add_disk "$1" "$WORK/$1.img" "${3:-}"
}

# boot NAME ARCH TESTS: the console is in $WORK/NAME/console.
boot()
{
	local dir=$WORK/$1 options

	qemu_options "$1" "$2" "$3"
	timeout --kill-after=10 "$DEADLINE" "${options[@]}" \
		</dev/null >"$dir/console.raw" 2>"$dir/qemu.err" {lock}<&- &
	echo "$!" >"$dir/pid"
	wait "$!"
	echo "$?" >"$dir/status"
	rm -f "$dir/pid"
	tr -d '\r' <"$dir/console.raw" >"$dir/console"
}

# Why the guest as a whole failed; nothing if it did not.
complaint()
{
	local dir=$1

	if [ ! -e "$dir/console" ]; then
		head -n 1 "$dir/failed"
	elif grep -q '^@@END' "$dir/console"; then
		sed -n -e 's/^@@DMESG/kernel warning:/p' -e 's/^@@BROKEN //p' "$dir/console" |
			head -n 1
	elif [ "$(cat "$dir/status")" = 124 ]; then
		echo "did not end within $DEADLINE s"
	else
		echo "died: $(grep -m 1 -hE '@@DIED|Oops|panic|BUG:|qemu-system' "$dir/console" \
			"$dir/qemu.err")"
	fi
}

# report NAME: a line per test file, what failed, what was skipped and why.
report()
{
	local dir=$WORK/$1 problem

	problem=$(complaint "$dir")
	[ ! -e "$dir/console" ] || awk -v guest="$1" -v release="$(cat "$dir/release")" '
		function say(state) {
			printf "%s %s %s %s: %d passed, %d failed, %d skipped, %d s\n", state,
				guest, release, $2, passed, failed, skipped, $3
			printf "%s", details
			passed = failed = skipped = 0
			details = ""
		}
		function end_of_file(status) {
			if (!planned || planned != passed + failed + skipped) {
				failed++
				details = details "  " $2 ": planned " planned + 0 " tests, exit status " \
					status "\n"
			}
			say(failed ? "FAIL" : passed ? "PASS" : "SKIP")
			planned = 0
		}
		{ text = substr($0, index($0, $2)) }
		/^@@TAP [^ ]+ 1[.][.][0-9]+/ { planned = substr($3, 4) }
		/^@@TAP [^ ]+ (not )?ok .*# SKIP / { skipped++; details = details "  " text "\n"; next }
		/^@@TAP [^ ]+ ok / { passed++ }
		/^@@TAP [^ ]+ not ok / { failed++; details = details "  " text "\n"; shown = 6 }
		/^@@TAP [^ ]+ #/ && shown-- > 0 { details = details "  " text "\n" }
		/^@@MISSING / { missing = substr($0, length("@@MISSING  ")) }
		/^@@SKIPPED / { skipped++; details = "  " missing "\n"; say("SKIP") }
		/^@@TIME / { end_of_file($4) }' "$dir/console"
	[ -z "$problem" ] || echo "FAIL $1 $(cat "$dir/release" 2>/dev/null): $problem"
}

# In a shell of its own: `times` are the guest's.
run_guest()
{
	[ ! -e "$WORK/$1/vmlinuz" ] || boot "$1" "$2" "${3-}"
	report "$1" >"$WORK/$1/report"
	times >"$WORK/$1/times"
	awk -v guest="$1" 'END { gsub(/[ms]/, " ")
		printf "# %s took %.0f s of CPU time\n", guest, $1 * 60 + $2 + $3 * 60 + $4 }' \
		"$WORK/$1/times" >>"$WORK/$1/report"
	cat "$WORK/$1/report"
}

# seconds_of TESTS: what the heads of these files say ("# takes N s", tests/run.sh).
seconds_of()
{
	local test seconds=0

	for test in ${1//,/ }; do
		seconds=$((seconds + $(cat "tests/live/$test.sh" "tests/vm/live/$test.sh" 2>/dev/null |
			sed -n 's/^# takes \([0-9]*\) s$/\1/p;T;q' | grep . || echo 5)))
	done
	echo "$seconds"
}

# Those that take longest first, so that the last ones end together.
order_chosen()
{
	local guest

	mapfile -t chosen < <(for guest in "${chosen[@]}"; do
		echo "$(seconds_of "${guest##* }") $guest"
	done | sort -s -k 1,1nr | cut -d " " -f 2-)
}

main()
{
	local name arch suite pattern tests status

	SECONDS=0
	[ -n "$SUITE" ] || die "this is no Debian: /etc/os-release has no VERSION_CODENAME"
	mkdir -p "$CACHE" "$WORK" || die "cannot make $CACHE and $WORK"
	exec {lock}<"$WORK"
	flock -n "$lock" || die "another run has $WORK; wait for it, or set BUILD to another directory"
	rm -rf "${WORK:?}"/{tests-*.img,tree,complete,*/pid}
	trap stop_guests EXIT # not before: the pids would be those of the other run
	while read -r name arch suite pattern tests; do
		if [ -n "$name" ] && wanted "$name" "$@"; then
			[ "$*" != short ] || tests=$live
			chosen+=("$name $arch ${TESTS-$tests}")
			prepare "$name" "$arch" "$suite" "$pattern"
		fi
	done <<<"$guests"
	[ "${#chosen[@]}" -gt 0 ] || die "no guest is called or matches: $*; tests/vm/guests.bash lists them"
	order_chosen
	run_chosen
	sum_up >"$WORK/sum"
	status=$?
	[ $# -gt 0 ] || [ -n "${TESTS+set}" ] ||
		echo "$(date -u +%F) $SECONDS $JOBS $(git rev-parse --short HEAD 2>/dev/null)" >"$WORK/complete"
	cat "$WORK/sum"
	return "$status"
}

# JOBS at a time.
run_chosen()
{
	local guest running=0

	for guest in "${chosen[@]}"; do
		if [ "$running" -ge "$JOBS" ]; then
			wait -n
			running=$((running - 1))
		fi
		# shellcheck disable=SC2086
		run_guest $guest &
		running=$((running + 1))
	done
	wait
}

sum_up()
{
	local guest reports=()

	for guest in "${chosen[@]}"; do
		reports+=("$WORK/${guest%% *}/report")
	done
	awk '
		/^(PASS|FAIL|SKIP) .* passed, .* failed, .* skipped/ {
			match($0, /[0-9]+ passed/); passed += substr($0, RSTART)
			match($0, /[0-9]+ failed/); failed += substr($0, RSTART)
			match($0, /[0-9]+ skipped/); skipped += substr($0, RSTART)
			next
		}
		/^FAIL / { failed++ }
		END {
			print passed + 0 " passed, " failed + 0 " failed, " skipped + 0 " skipped"
			exit failed || !passed
		}' "${reports[@]}"
}

main "$@"
