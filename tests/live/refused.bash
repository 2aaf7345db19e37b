# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by refused_*.sh: a kernel that refuses any one of the BPF programs, its attaching, its running, or a map
# (tests/shim/refuse.c). faultmap goes on without what hangs on it and `faultmap check` says so, or it ends with 77
# and one line that names program, attach type and errno, as `check` does. Never does one say no and the other yes.

shim=$BUILD/shim/refuse.so
declare -A numbers=([EPERM]=1 [E2BIG]=7 [EINVAL]=22 [ENOSPC]=28)
declare -A outcome=() # of `run`, by errno

# refusing CALL KEY ERRNO ARGUMENT...: faultmap on such a kernel. Sets $status, and $refused if anything was.
refusing()
{
	local rule=$1:$2:${numbers[$3]}
	shift 3

	rm -f "$TMP/refused"
	REFUSE=$rule REFUSED=$TMP/refused LD_PRELOAD=$shim \
		timeout "$(longer 60)" "$FAULTMAP" "$@" >"$TMP/out" 2>"$TMP/messages" </dev/null
	status=$?
	refused=''
	[ ! -s "$TMP/refused" ] || refused=yes
}

# named CALL KEY ERRNO: a regular expression of what names the refusal.
named()
{
	local program="${2%%.*}[a-z_]* \((tp_btf/|iter/|raw_tp|perf_event)[^)]*\)"

	case $1 in
	load) echo "$program: BPF_PROG_LOAD: .*\($3\)" ;;
	attach) echo "$program: (BPF_RAW_TRACEPOINT_OPEN|BPF_LINK_CREATE): .*\($3\)" ;;
	run) echo "$program: BPF_PROG_TEST_RUN.*: .*\($3\)" ;;
	map) echo "[.a-z_0-9]+ \([a-z_]+\): BPF_MAP_CREATE: .*\($3\)" ;;
	esac
}

# check_run CALL KEY ERRNO: `run` goes on and says so, or ends with one line. Sets outcome[ERRNO].
check_run()
{
	local what="$1 of $2, $3"

	refusing "$@" run --detail=full -o /dev/null -- true
	outcome[$3]=$status
	[ "$refused" ] || outcome[$3]=unasked
	case ${outcome[$3]} in
	unasked) check_equal "$what: run does without it anyway" "$status $(cat "$TMP/messages")" "0 " ;;
	0)
		check_contains "$what: run goes on, and says so" "$TMP/messages" \
			'^faultmap: warning: (this kernel refuses [a-z_]+: continuing without|no perf events: )'
		;;
	77)
		check_equal "$what: run ends with one line" "$(wc -l <"$TMP/messages")" 1
		check_contains "$what: run names it" "$TMP/messages" \
			"^faultmap: cannot watch page faults: .*$(named "$@")"
		;;
	*) not_ok "$what: run goes on, or ends with 77" "status $status" "$(cat "$TMP/messages")" ;;
	esac
}

# check_check CALL KEY ERRNO: `check` says the same of it.
check_check()
{
	local what="$1 of $2, $3"

	refusing "$@" check --json
	check_equal "$what: check has one feature refused, with that errno" \
		"$(jq -r 'select(.state == "refused") | "\(.available) \(.errno)"' "$TMP/out")" "false $3"
	check_equal "$what: check names it" "$(jq -r --arg named "$(named "$@")" \
		'select(.state == "refused" and (.why | test($named))) | "named"' "$TMP/out")" named
	# A map that `run` has in another size: check has tried it as the daemon.
	if [ "${outcome[$3]}" = 77 ] || [ "${outcome[$3]} $status" = "unasked 77" ]; then
		check_contains "$what: check ends with a line that names it" "$TMP/messages" \
			"cannot watch page faults: .*$(named "$@")"
	else
		check_equal "$what: check says that it works here" "$status $(cat "$TMP/messages")" "0 "
	fi
}

# check_each CALL ERRNO...: of every program, or map. `check` once of each, with one errno after the other.
check_each()
{
	local call=$1 error keys number=0
	shift

	mapfile -t keys < <(sed -n "s/^$call //p" "$TMP/list" | sort -u)
	check "$call: there are programs or maps to refuse" test "${#keys[@]}" -gt 1
	for key in "${keys[@]}"; do
		for error in "$@"; do
			check_run "$call" "$key" "$error"
		done
		error=$((number++ % $# + 1))
		check_check "$call" "$key" "${!error}"
	done
}


list_calls()
{
	LIST=$TMP/list LD_PRELOAD=$shim "$FAULTMAP" check --json >"$TMP/out"
	check_equal "nothing is refused by itself" "$? $(jq -c 'select(.state == "refused")' "$TMP/out")" "0 "
}
