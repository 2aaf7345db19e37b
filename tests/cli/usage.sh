#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Command lines that profile nothing: help, version, bad input. Needs no privileges.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

commands=(run top log report explain guard daemon check)

# run_faultmap ARG...: its status in $status, its output in $TMP/out and $TMP/err.
run_faultmap()
{
	"$FAULTMAP" "$@" >"$TMP/out" 2>"$TMP/err"
	status=$?
}

# expect_refusal NAME STATUS TEXT ARG...: that status, nothing on stdout, on stderr this one line.
expect_refusal()
{
	local name=$1 want=$2 text=$3
	shift 3

	run_faultmap "$@"
	check_equal "$name" "$status:$(cat "$TMP/out" "$TMP/err"; wc -l <"$TMP/err")" \
		"$want:faultmap: $text"$'\n1'
}

# expect_help NAME ARG...: status 0, a usage line first, nothing on stderr, at most 100 columns.
expect_help()
{
	local name=$1
	shift

	run_faultmap "$@"
	check_equal "$name: status and stderr" "$status:$(cat "$TMP/err")" 0:
	check_equal "$name: starts with the usage" "$(head -c 16 "$TMP/out")" "Usage: faultmap "
	check_equal "$name: nothing wider than 100 columns, no blanks at the end" \
		"$(grep -E '.{101}|[[:blank:]]$' "$TMP/out")" ""
}

expect_help "--help" --help
cp "$TMP/out" "$TMP/help"
for command in "${commands[@]}"; do
	check_contains "--help lists $command" "$TMP/help" "^  $command +[^ ]"
done
run_faultmap -h
check "-h is --help" cmp "$TMP/out" "$TMP/help"
run_faultmap help
check "help is --help" cmp "$TMP/out" "$TMP/help"
check_equal "--help fits a screen of 24 x 80" "$(wc -l <"$TMP/help"):$(grep -E '.{81}' "$TMP/help")" \
	"$(awk 'END { print NR < 24 ? NR : "less than 24" }' "$TMP/help"):"

run_faultmap --version
check_equal "--version" "$status:$(cat "$TMP/out" "$TMP/err")" \
	"0:faultmap $(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)"

cp "$TMP/out" "$TMP/version"
run_faultmap version
check "version is --version" cmp "$TMP/out" "$TMP/version"

run_faultmap
check_equal "no arguments: status 2, nothing on stdout" "$status:$(cat "$TMP/out")" 2:
check "no arguments: the usage on stderr" cmp "$TMP/err" "$TMP/help"

expect_refusal "unknown command" 2 'unknown command "frobnicate"; see faultmap --help' frobnicate
expect_refusal "abbreviated command" 2 \
	'unknown command "lo"; did you mean log? see faultmap --help' lo
expect_refusal "mistyped command" 2 \
	'unknown command "reprot"; did you mean report? see faultmap --help' reprot
expect_refusal "help of an unknown command" 2 'unknown command "frobnicate"; see faultmap --help' \
	help frobnicate
expect_refusal "empty command" 2 'unknown command ""; see faultmap --help' ""
expect_refusal "unknown flag" 2 'unknown flag "--foo"; see faultmap --help' --foo
expect_refusal "unknown command of control characters" 2 \
	'unknown command "a\x0ab\x1b"; see faultmap --help' $'a\nb\e'

for command in "${commands[@]}"; do
	expect_help "$command --help" "$command" --help
	check_contains "$command --help names itself" "$TMP/out" "^Usage: faultmap $command"
	cp "$TMP/out" "$TMP/help"
	run_faultmap "$command" -h
	check "$command -h is $command --help" cmp "$TMP/out" "$TMP/help"
	run_faultmap help "$command"
	check "help $command is $command --help" cmp "$TMP/out" "$TMP/help"
	expect_refusal "$command: unknown flag" 2 \
		"unknown flag \"--frobnicate\"; see faultmap $command --help" \
		"$command" --frobnicate
	expect_refusal "$command: unknown short flag" 2 \
		"unknown flag \"-Z\"; see faultmap $command --help" "$command" -Z
	expect_refusal "$command: abbreviated flag" 2 \
		"unknown flag \"--verb\"; did you mean --verbose? see faultmap $command --help" \
		"$command" --verb
	expect_refusal "$command: a flag with a value it does not take" 2 \
		"--verbose takes no value" "$command" --verbose=1
done

# expect_bad_value FLAG VALUE COMMAND: one line that names the flag, the value and what to give.
expect_bad_value()
{
	local flag=$1 value=$2 command=$3

	run_faultmap "$command" "$flag" "$value"
	check_equal "$command $flag $value: status 2, one line on stderr only" \
		"$status:$(wc -c <"$TMP/out"):$(wc -l <"$TMP/err")" 2:0:1
	check_contains "$command $flag $value: says what to give" "$TMP/err" \
		"^faultmap: $flag: \"$value\" is .*; give (a value|one of) .*[^.]$"
}

for value in abc "" -1 1e3 0.0001; do
	expect_bad_value -d "$value" log
	expect_bad_value -d "$value" top
	expect_bad_value --interval "$value" daemon
done
for value in abc "" -1 1.5 99999999999999999999999; do
	expect_bad_value -n "$value" log
	expect_bad_value -n "$value" top
done
for command in run top log daemon; do
	expect_refusal "$command --slice 3M" 2 \
		'--slice: "3M" is not a power of two; give a power of two from 4K to 1T' \
		"$command" --slice 3M
	expect_refusal "$command --slice 1K" 2 \
		'--slice: "1K" is out of range; give a power of two from 4K to 1T' \
		"$command" --slice=1K
	expect_refusal "$command --slice big" 2 \
		'--slice: "big" is not a size; give a power of two from 4K to 1T' \
		"$command" --slice big
done
expect_bad_value --sort bogus top
expect_bad_value --by bogus top
expect_bad_value --by bogus report
for flag in --from --to; do
	expect_refusal "report $flag yesterday" 2 \
		"$flag: \"yesterday\" is not a time; give a date or time as 2026-11-22T10:08:56Z" \
		report "$flag" yesterday x
done
expect_refusal "top --sort by what no line has" 2 \
	"--sort pid means nothing with --by unit; see faultmap top --help" top --by unit --sort pid
for flags in "--sort rss" "--sort vsz"; do
	# shellcheck disable=SC2086 # two words
	expect_refusal "run $flags: mappings have none" 2 \
		"$flags means nothing with --by mapping; see faultmap run --help" run $flags -- true
	# shellcheck disable=SC2086
	expect_refusal "report --all $flags: rows have none" 2 \
		"$flags means nothing with --by row; see faultmap report --help" report --all $flags x
done
expect_refusal "--columns with a mistyped title" 2 \
	'--columns: no column "minn/s" with --by process; did you mean MIN/s?' top --columns pid,minn/s
expect_refusal "top --replay with a filter, which it had passed over in silence" 2 \
	"--replay shows all processes of the log: filters are for running processes; on the screen use the keys \\ and u" \
	top --replay --comm x tests/golden/screen.jsonl
expect_refusal "--columns of another table" 2 \
	'--columns: no column "vsz" with --by kind; there are FAULTS/s,MIN/s,MAJ/s,DENY/s,PAGES/s,BYTES/s,STALL/s,MINOR,MAJOR,DENIED,WHY,KIND' \
	top --by kind --columns vsz
expect_refusal "--columns of no table" 2 \
	'--columns is for tables: --csv and --json have the same fields always' report --csv --columns mapping x
check_equal "report --columns: these, in this order" \
	"$("$FAULTMAP" report --columns bytes,Denied,mapping --rows 1 tests/golden/screen.jsonl | sed -n '/^ *BYTES/,+1p' | tr -s ' ')" \
	"BYTES DENIED MAPPING
 512M 0 [anon]"
check_equal "top --columns: also those that are shown when they are sorted by" \
	"$("$FAULTMAP" top --once --columns comm,faults/s --rows 1 --replay tests/golden/screen.jsonl | sed -n '6,7p' | tr -s ' ')" \
	"COMM FAULTS/s
python3 484"
expect_refusal "run --budget with a figure that is none" 2 \
	'budget "speed<=1": give FIGURE<=LIMIT; figures are minor, major, denied, faults, bytes and stall' \
	run --budget 'speed<=1' -- true
expect_refusal "run --budget-file without the file" 2 \
	"opening the budget /nowhere/x: No such file or directory" run --budget-file /nowhere/x -- true
expect_refusal "run --junit without a budget" 2 \
	"--phase and --junit are about budgets: give --budget or --budget-file" run --junit x -- true
expect_refusal "run --budget of stall in fast detail" 2 \
	"a budget of stall needs --detail full, which times every fault" \
	run --detail fast --budget 'stall<=1ms' -- true
expect_refusal "run --budget by step without a command" 2 \
	"a budget by phase or step needs a command, which writes the marks" run -a --budget 'minor<=1/it'
expect_refusal "explain without a file" 2 \
	"explain takes either FILE, - for standard input, or -p, --unit and the like, or -a; see faultmap explain --help" explain
expect_refusal "explain of a file and a process" 2 \
	"explain takes either FILE, - for standard input, or -p, --unit and the like, or -a; see faultmap explain --help" \
	explain -p $$ /dev/null
expect_refusal "explain of a file with -d" 2 \
	"-d goes with -p, --unit and the like, or -a: a FILE has intervals of its own" explain -d 1 /dev/null
expect_refusal "guard without anybody" 2 \
	"guard takes either --pid or --unit, and no operand; see faultmap guard --help" guard
expect_refusal "guard of what is no pid" 2 \
	'--pid: "12x" is no list of processes and threads; give numbers as 12,13/14' guard -p 12x
expect_refusal "guard of a thread that is not there" 2 \
	"process $$ has no thread 2147483647" guard -p $$/2147483647
expect_refusal "guard with a file that node_exporter does not read" 2 \
	"--prometheus-textfile: \"x\" has to end in .prom, or node_exporter does not read it" \
	guard -p $$ --prometheus-textfile x
expect_refusal "report without a file" 2 \
	"report needs a FILE, or - for standard input; see faultmap report --help" report
expect_refusal "log to a socket that is not there" 1 \
	"opening unix:/nowhere/x for JSON lines: No such file or directory; name a stream socket that somebody listens on" \
	log -o unix:/nowhere/x
# Beyond its stack a program ends by SIGSEGV. The environment is in it.
for command in "${commands[@]}"; do
	(ulimit -s 64 && exec env -i "$FAULTMAP" "$command") >"$TMP/out" 2>"$TMP/err"
	check_equal "$command with a stack of 64 KiB" "$?:$(cat "$TMP/out" "$TMP/err")" \
		"1:faultmap: the stack may have 64 KiB, and faultmap may need 256: raise the limit $(
			)(ulimit -s, LimitSTACK= in a unit)"
done
run_faultmap log --schema
check_equal "log --schema: status and stderr" "$status:$(cat "$TMP/err")" 0:
check "log --schema is what ships" cmp "$TMP/out" packaging/faultmap.schema.json
for flag in -d -n -o; do
	expect_refusal "log $flag without a value" 2 "$flag needs a value; see faultmap log --help" \
		log "$flag"
done

# Output that nobody can take: status 1 and one line, be it a full disk or no stdout. A reader that has left, as
# of `| head`, has what it wanted.
# expect_write_error NAME REASON ARG...: with stdout as the caller redirects it.
expect_write_error()
{
	local name=$1 reason=$2
	shift 2

	"$FAULTMAP" "$@" 2>"$TMP/err"
	status=$?
	check_equal "$name" "$status:$(cat "$TMP/err")" \
		"1:faultmap: cannot write to standard output: $reason" >&5
}

exec 5>&1
mkfifo "$TMP/fifo"
# Held open for both first: a FIFO opened for writing alone waits for its reader.
# shellcheck disable=SC2094
exec 3<>"$TMP/fifo" 4>"$TMP/fifo" 3>&-
# A report and a schema of more than stdio's buffer: it is the first write that fails, not the last.
jq -c --arg long "$(printf 'x%.0s' {1..200})" 'if .rec == "faults" then .mapping += $long else . end' \
	tests/golden/screen.jsonl >"$TMP/long"
check "the report is longer than stdio's buffer" test "$("$FAULTMAP" report --all "$TMP/long" | wc -c)" -gt 4096
written=(--help --version "log --help" "log --schema" "report --all $TMP/long" "report --all --csv $TMP/long")
if "$FAULTMAP" check >/dev/null 2>&1; then
	written+=(check "check --json")
fi
for arguments in "${written[@]}"; do
	# shellcheck disable=SC2086
	{
		expect_write_error "faultmap $arguments to a full disk" \
			"No space left on device" $arguments >/dev/full
		check_equal "faultmap $arguments to a closed pipe: no error, no message" \
			"$("$FAULTMAP" $arguments 2>&1 >&4; echo "status $?")" "status 0"
		expect_write_error "faultmap $arguments with stdout closed" \
			"Bad file descriptor" $arguments >&-
	}
done
exec 4>&-

done_testing
