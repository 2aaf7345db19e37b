#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs every test file (or those whose path contains PATTERN), one after another, and sums up their
# TAP. A file that dies before its plan, runs nothing, or does not end in time is a failure itself.
# usage: tests/run.sh [PATTERN]      TESTS_DIR and BUILD may name other directories.

set -u
shopt -s extglob nullglob
export LC_ALL=C.UTF-8
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
cd "$here/.." || exit 1

TESTS_DIR=${TESTS_DIR:-tests}
export BUILD=${BUILD:-build}
export FAULTMAP=${FAULTMAP:-$BUILD/faultmap}
DEADLINE=${DEADLINE:-300} # seconds for one file
pattern=${1:-}
log_dir=$BUILD/tests/log
passed=0 failed=0 skipped=0

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
		/# SKIP *$/ { mute++ }
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

# Adds up one log. cmocka writes a skip as "not ok N # SKIP name".
count_log()
{
	local line

	while IFS= read -r line; do
		case $line in
		"ok "*"# SKIP "* | "not ok "+([0-9])" # SKIP "*) skipped=$((skipped + 1)) ;;
		"ok "*) passed=$((passed + 1)) ;;
		"not ok "*) failed=$((failed + 1)) ;;
		esac
	done <"$1"
}

run_file()
{
	local file=$1 name program log status problem

	name=${file#"$TESTS_DIR"/}
	program=$(program_of "$file")
	log=$log_dir/${name//\//-}
	CMOCKA_MESSAGE_OUTPUT=TAP timeout --kill-after=20 "$DEADLINE" "$program" \
		</dev/null >"$log.tap" 2>"$log.err"
	status=$?
	problem=$(complaint "$log.tap" "$status")
	[ -z "$problem" ] || echo "not ok - $problem" >>"$log.tap"
	count_log "$log.tap"
	sed "s|^|$name: |" "$log.tap"
	[ ! -s "$log.err" ] || sed "s|^|$name: # |" "$log.err"
}

rm -rf "$log_dir"
mkdir -p "$log_dir" || exit 1
for file in "$TESTS_DIR"/unit/test_*.c "$TESTS_DIR"/{cli,golden,live}/*.sh; do
	[[ $file == *"$pattern"* ]] && run_file "$file"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
