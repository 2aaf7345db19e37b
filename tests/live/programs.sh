#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 15 s
# What processes ran that were gone before the next tick: 200 that live for some milliseconds each, of which
# /proc has nothing any more. Each has the command line that this file gave it, and its program's path: in
# run, log and top, and for the rules of groups.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

sh=$(realpath "$(type -P sh)")
bash=$(realpath "$(type -P bash)")
python=$(realpath /usr/bin/python3)
cp "$sh" "$TMP/quick"
chmod 755 "$TMP"

# 100 of sh, 40 of python3, and 60 that execute nothing: they run what their parent runs.
cat >"$TMP/many" <<-END
	for i in {1..100}; do $sh -c ": number \$i; exit 0"; done
	for i in {1..40}; do $python -ISc "number = \$i"; done
	for i in {1..60}; do (:); done
END
{
	printf "$sh -c : number %d; exit 0\n" {1..100}
	printf "$python -ISc number = %d\n" {1..40}
	for _ in {0..60}; do echo "$bash $TMP/many"; done
} | sort >"$TMP/commands"

# many FLAG...: what `run` says of them: NAME, tab, how many processes; sorted.
many()
{
	"$FAULTMAP" run --rows 10000 --csv "$@" -- "$bash" "$TMP/many" 2>"$TMP/csv"
	/usr/bin/python3 -c 'import csv, sys
for line in csv.DictReader(sys.stdin): print(line["name"], line["processes"], sep="\t")' <"$TMP/csv" | sort >"$TMP/many.out"
}

test_run()
{
	many -c
	cut -f 1 "$TMP/many.out" >"$TMP/names"
	check "run -c: each of 201 has its command line" diff "$TMP/names" "$TMP/commands"
	many -c --disable-feature process_exec
	check "that is not from /proc: without the hook at exec some have their names alone" \
		grep -qE '^(sh|dash|bash|python3[.0-9]*)	' "$TMP/many.out"
	many --by exe
	check_equal "run --by exe: the programs and no other" "$(cut -f 1 "$TMP/many.out")" \
		"$(printf '%s\n' "$sh" "$python" "$bash" | sort)"
	check_equal "with as many processes each" "$(grep -v "^$bash	" "$TMP/many.out")" \
		"$(printf '%s\t%d\n' "$sh" 100 "$python" 40 | sort)"
	# A child that a tick saw before its exec was bash, too.
	check "and who executed nothing is bash" test "$(sed -n "s|^$bash	||p" "$TMP/many.out")" -ge 61
}

# One after the other until it is ended.
start_quick()
{
	# shellcheck disable=SC2016 # for that shell
	start_background "$bash" -c 'for ((i = 0; ; i++)); do "$0" -c ": number $i; exit 0"; done' "$TMP/quick"
	quick=$BACKGROUND_PID
}

ended()
{
	[ "$(grep -c '"rec":"exit"' "$TMP/log")" -ge 200 ]
}

test_log_and_top()
{
	start_quick
	: >"$TMP/log"
	start_background "$FAULTMAP" log --exe "$TMP/quick" -o "$TMP/log"
	wait_for 120 ended
	stop_background "$BACKGROUND_PID"
	check_equal "log --exe: only they" "$(jq -r 'select(.rec == "exit").comm' "$TMP/log" | sort -u)" quick
	"$FAULTMAP" top --once -c --comm quick --rows 10000 --csv >"$TMP/csv"
	/usr/bin/python3 -c 'import csv, sys
for line in csv.DictReader(sys.stdin): print(line["name"])' <"$TMP/csv" >"$TMP/names"
	check "top --once -c: there are many" test "$(wc -l <"$TMP/names")" -ge 10
	# One may have been executed before faultmap came, and have ended before it could ask.
	check_equal "top --once -c: each has its command line" \
		"$(grep -vxE "$TMP/quick -c : number [0-9]+; exit 0" "$TMP/names" | sed '1{/^quick$/d}')" ""
	check_equal "no two have the same" "$(sort "$TMP/names" | uniq -d)" ""
	stop_background "$quick"
}

# faults GROUP: those that are counted in it.
faults()
{
	awk -v group="$1" 'index($1, "faultmap_group_faults_total{group=\"" group "\"") { sum += $2 } END { print sum + 0 }' "$TMP/scrape"
}

counts()
{
	scrape && [ "$(faults "$1")" -ge $((10000 / ${WORK_DIVISOR:-1})) ]
}

# rules_by NAME GROUP FLAG...: all that quick faults is in that group: there is none by its comm.
rules_by()
{
	start_daemon --group-by comm --mappings-names all --max-series 20000 "${@:3}"
	start_quick
	check "$1: a group has them" wait_for 120 counts "$2"
	check_equal "$1: none is elsewhere" "$(faults quick)" 0
	stop_background "$quick"
	stop_background "$daemon"
}

test_metrics()
{
	echo "exe $TMP/quick => by-exe" >"$TMP/rules"
	rules_by "a rule by exe" by-exe --group-rules "$TMP/rules"
	echo 'cmdline .*/quick -c : number.* => by-command' >"$TMP/rules"
	rules_by "a rule by cmdline" by-command --group-rules "$TMP/rules"
	rules_by "--group-by exe" "$TMP/quick" --group-by exe
}

test_run
test_log_and_top
test_metrics
done_testing
