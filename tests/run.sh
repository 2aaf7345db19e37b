#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs every test file (or those whose path contains a PATTERN), up to JOBS of them at once (as many as
# there are CPUs unless set), and sums up their TAP. A file that dies before its plan, runs nothing, or
# does not end in time is a failure itself. What a file prints is shown when it has ended.
# usage: tests/run.sh [PATTERN]...   TESTS_DIR and BUILD may name other directories.
#
# Comment lines at a file's head say how it is run:
#   # runs alone: REASON    with no other test beside it; these come first
#   # takes N s             about so long: of the others, the longest are started first

set -u
shopt -s extglob nullglob
export LC_ALL=C.UTF-8
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
cd "$here/.." || exit 1

TESTS_DIR=${TESTS_DIR:-tests}
export BUILD=${BUILD:-build}
export FAULTMAP=${FAULTMAP:-$BUILD/faultmap}
DEADLINE=${DEADLINE:-$((600 * ${DEADLINE_FACTOR:-1}))} # seconds for one file
JOBS=${JOBS:-$(nproc)}
patterns=("$@")
log_dir=$BUILD/tests/log
passed=0 failed=0 skipped=0
alone=() together=() # "SECONDS FILE", later FILE
declare -A file_of=() began_at=() # of the running ones, by pid
durations=() # "SECONDS NAME"

# The program that runs a test file: a unit test is what make built of it.
program_of()
{
	case $1 in
	*.c) realpath -m "$BUILD/tests/unit/$(basename "$1" .c)" ;;
	*) realpath -m "$1" ;;
	esac
}

# What is wrong with the file as a whole, its log and exit status known; nothing if it is well.
# shellcheck disable=SC2016
complaint()
{
	local log=$1 status=$2

	case $status in
	124) echo "did not end within $DEADLINE seconds"; return ;;
	137) echo "was killed, or did not end even when its $DEADLINE seconds were over"; return ;;
	esac
	awk -v status="$status" '
		/^1\.\.[0-9]+/ { plans++; planned += substr($0, 4) }
		/^(not )?ok / { run++ }
		/^not ok / && !/^not ok [0-9]+ # SKIP / { bad++ }
		/^TAP version/ { cmocka = 1 } # cmocka 2, which has no room for a reason
		/# SKIP *$/ && !cmocka { mute++ }
		END {
			if (!plans)
				print "ended without a plan, exit status " status
			else if (planned != run)
				print "planned " planned " tests and ran " run + 0
			else if (!run)
				print "ran no test"
			else if (status && !bad)
				print "exit status " status " though no test failed"
			else if (mute)
				print "skips without a reason"
		}' "$log"
}

# Adds up one log. cmocka 1 writes a skip as "not ok N # SKIP name".
count_log()
{
	local line

	while IFS= read -r line; do
		case $line in
		"ok "*"# SKIP"* | "not ok "+([0-9])" # SKIP "*) skipped=$((skipped + 1)) ;;
		"ok "*) passed=$((passed + 1)) ;;
		"not ok "*) failed=$((failed + 1)) ;;
		esac
	done <"$1"
}

# read_hints FILE: sets $is_alone and $expected (seconds).
read_hints()
{
	local line

	is_alone='' expected=0
	while IFS= read -r line && [[ $line == "#"* ]]; do
		case $line in
		"# runs alone: "?*) is_alone=yes ;;
		"# takes "+([0-9])" s") expected=${line//[^0-9]/} ;;
		esac
	done <"$1"
}

log_of()
{
	local name=${1#"$TESTS_DIR"/}

	echo "$log_dir/${name//\//-}"
}

# In the background. A shell's background processes ignore what Ctrl-C sends: not the tests.
start_file()
{
	local file=$1 log

	log=$(log_of "$file")
	CMOCKA_MESSAGE_OUTPUT=TAP env --default-signal=INT,QUIT timeout --kill-after=20 "$DEADLINE" \
		"$(program_of "$file")" </dev/null >"$log.tap" 2>"$log.err" &
	file_of[$!]=$file
	began_at[$!]=$SECONDS
}

# Waits for one of the running files and shows what it printed.
finish_file()
{
	local pid status file name log problem

	wait -n -p pid "${!file_of[@]}"
	status=$?
	file=${file_of[$pid]} name=${file_of[$pid]#"$TESTS_DIR"/}
	log=$(log_of "$file")
	durations+=("$((SECONDS - began_at[$pid])) $name")
	unset "file_of[$pid]"
	problem=$(complaint "$log.tap" "$status")
	[ -z "$problem" ] || echo "not ok - $problem" >>"$log.tap"
	count_log "$log.tap"
	sed "s|^|$name: |" "$log.tap"
	[ ! -s "$log.err" ] || sed "s|^|$name: # |" "$log.err"
}

# Prints failures again with their details, as people read the end of a long output.
recap()
{
	local log

	for log in "$log_dir"/*.tap; do
		awk -v name="$(basename "$log" .tap)" '
			/^not ok / && !/^not ok [0-9]+ # SKIP / { said = 20 }
			/^ok |^1\.\./ || /^not ok [0-9]+ # SKIP / { said = 0 }
			said-- > 0 { print "# failed: " name ": " $0 }' "$log"
	done
}

# run_files N FILE...: up to N at once.
run_files()
{
	local at_once=$1 file
	shift

	for file in "$@"; do
		[ ${#file_of[@]} -lt "$at_once" ] || finish_file
		start_file "$file"
	done
	while [ ${#file_of[@]} -gt 0 ]; do
		finish_file
	done
}

# Ctrl-C or TERM: the running tests get a TERM (from timeout their children too), and time to clean up.
interrupt()
{
	trap "" INT TERM HUP
	echo "tests/run.sh: interrupted, ending ${file_of[*]}" >&2
	kill -TERM "${!file_of[@]}" 2>/dev/null
	wait
	exit "$1"
}

# is_wanted FILE: its path contains one of the patterns, or there is none.
is_wanted()
{
	local pattern

	for pattern in ${patterns[@]+"${patterns[@]}"}; do
		[[ $1 != *"$pattern"* ]] || return 0
	done
	[ ${#patterns[@]} -eq 0 ]
}

# longest_first NAME-OF-ARRAY: of "SECONDS FILE"; files that take equally long stay in order.
longest_first()
{
	local -n files=$1

	[ ${#files[@]} -eq 0 ] ||
		mapfile -t files < <(printf '%s\n' "${files[@]}" | sort -s -k 1,1nr | cut -d " " -f 2-)
}

if [[ $JOBS != [1-9]*([0-9]) ]]; then
	echo "tests/run.sh: JOBS is \"$JOBS\"; give the number of test files to run at once" >&2
	exit 2
fi
trap 'interrupt 130' INT
trap 'interrupt 143' TERM
trap 'interrupt 129' HUP
rm -rf "$log_dir"
mkdir -p "$log_dir" || exit 1
for file in "$TESTS_DIR"/unit/test_*.c "$TESTS_DIR"/{cli,golden,live}/*.sh; do
	is_wanted "$file" || continue
	read_hints "$file"
	if [ "$is_alone" ]; then
		alone+=("$expected $file")
	else
		together+=("$expected $file")
	fi
done
longest_first alone
longest_first together
run_files 1 ${alone[@]+"${alone[@]}"}
run_files "$JOBS" ${together[@]+"${together[@]}"}
[ "$failed" -eq 0 ] || recap
echo "# slowest: $(printf '%s\n' ${durations[@]+"${durations[@]}"} | sort -nr | head -n 5 |
	sed 's/\([0-9]*\) \(.*\)/\2 \1 s/' | paste -sd , | sed 's/,/, /g')"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
