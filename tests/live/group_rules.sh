#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 10 s
# --group-rules: two services that run one program are different groups by their command lines, a reload applies new
# rules, a broken file changes nothing, and an error names its line.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# rules LINE...
rules()
{
	printf '%s\n' "$@" >"$TMP/rules"
}

# A service of python3: it faults in $1 pages each time that it reads a byte.
cat >"$TMP/service.py" <<-'END'
	import mmap, resource, sys
	def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
	pages = int(sys.argv[2])
	print("ready", flush=True)
	while sys.stdin.buffer.read(1):
	    memory = mmap.mmap(-1, pages * mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
	    if hasattr(mmap, "MADV_NOHUGEPAGE"): memory.madvise(mmap.MADV_NOHUGEPAGE)
	    before = faults()
	    for page in range(pages): memory[page * mmap.PAGESIZE] = 1
	    print(faults() - before, flush=True)
	    memory.close()
END

# start_service NAME PAGES FD: its stdin is a pipe that this shell has open as FD.
start_service()
{
	mkfifo "$TMP/$1.in"
	eval "exec $3<>\"\$TMP/\$1.in\"" # both ways: nobody has to wait for the other end
	start_background python3 "$TMP/service.py" "$1" "$2" <"$TMP/$1.in" >"$TMP/$1.out"
	wait_for 120 grep -q ready "$TMP/$1.out"
}

has_lines()
{
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# poke NAME FD: it faults once more; $faults is how often by getrusage(2).
poke()
{
	local lines

	lines=$(wc -l <"$TMP/$1.out")
	printf x >&"$2"
	wait_for 120 has_lines "$TMP/$1.out" $((lines + 1))
	# shellcheck disable=SC2034 # for the caller
	faults=$(tail -n 1 "$TMP/$1.out")
}

# has_group GROUP: it has a live process.
has_group()
{
	scrape "$TMP/scrape" && [ "$(value "faultmap_group_processes{group=\"$1\"}")" -ge 1 ]
}

# demand_zero GROUP: what it has counted of them.
demand_zero()
{
	local counted

	counted=$(value "faultmap_group_faults_total{group=\"$1\",kind=\"demand_zero\",severity=\"minor\"}")
	echo "${counted:-0}"
}

# hang_up WANTED: SIGHUP; true once this line has come.
hang_up()
{
	: >"$TMP/daemon.err"
	kill -HUP "$daemon"
	wait_for 120 grep -q "$1" "$TMP/daemon.err"
}

test_services()
{
	local mail_faults web_faults mail_before web_before

	check "a service has its group" wait_for 120 has_group app-mail
	check "and so has the other, of the same program" wait_for 120 has_group app-web
	check_equal "each has one process" "$(value 'faultmap_group_processes{group="app-mail"}')$(
		value 'faultmap_group_processes{group="app-web"}')" 11
	await_ticks 2
	scrape
	mail_before=$(demand_zero app-mail) web_before=$(demand_zero app-web)
	poke mail 5
	mail_faults=$faults
	poke web 6
	web_faults=$faults
	await_ticks 2
	scrape
	# The interpreter itself may touch a page or two more.
	check_near "the mail service's faults are its own" \
		$(($(demand_zero app-mail) - mail_before)) "$mail_faults"
	check_near "and the web service's are its" $(($(demand_zero app-web) - web_before)) "$web_faults"
	check "the rest is by --group-by" grep -q '^faultmap_group_processes{group="[^"]*\.\(service\|scope\|slice\)"}\|{group="/' \
		"$TMP/scrape"
}

# check_near NAME GOT WANT: GOT is WANT or up to 64 more.
check_near()
{
	check "$1: $2, by getrusage $3" test "$2" -ge "$3" -a "$2" -le $(($3 + 64))
}

# went_down BEFORE AFTER: counters of groups that are less.
went_down()
{
	awk '$1 !~ /^faultmap_group_.*_total\{/ { next }
		NR == FNR { before[$1] = $2; next }
		$1 in before && $2 + 0 < before[$1] + 0' "$1" "$2"
}

test_reload()
{
	scrape "$TMP/before"
	rules 'cmdline .*service\.py (mail|web).* => both'
	check "a reload takes other rules" hang_up '^faultmap: reloaded$'
	check "a running process is in the new group" wait_for 120 has_group both
	check_equal "both of them" "$(value 'faultmap_group_processes{group="both"}')" 2
	check_equal "the old groups are there with what they had counted" \
		"$(value 'faultmap_group_processes{group="app-mail"}')$(went_down "$TMP/before" "$TMP/scrape")" 0
	rules 'cmdline .*service\.py (mail => new'
	check "a broken file" hang_up 'continuing as before'
	check_equal "is reported in one line" "$(tr -d '\000' <"$TMP/daemon.err")" \
		"faultmap: reloading: $TMP/rules:1: the regex \".*service\\.py (mail\": Unmatched ( or \\(; continuing as before"
	await_ticks 2
	check "and the old rules stay" has_group both
	rm "$TMP/rules"
	check "no file" hang_up "reading the group rules $TMP/rules: No such file or directory; continuing as before"
	rules 'exe .*/python.* => snake'
	check "rules by exe, where there were none" hang_up "rules by exe in .*that takes a restart; continuing as before"
	await_ticks 2
	check "and the old rules stay again" has_group both
	check_equal "the daemon has no capability" "$(sed -n 's/^CapPrm:\t//p' "/proc/$daemon/status")" 0000000000000000
}

# shellcheck disable=SC2016 # $1 is the rules'
test_usage()
{
	rules 'command x => y'
	check_failure "an unknown field" 2 "$TMP/rules:1: \"command\" is not known; begin with comm, exe" \
		daemon --group-rules "$TMP/rules" --check-config
	rules '# all is well' 'comm (.*)[0-9]+ => $1'
	echo "group-rules = $TMP/rules" >"$TMP/conf"
	check "good rules are good" "$FAULTMAP" daemon --config "$TMP/conf" --check-config
	rules 'comm (.*)[0-9]+ => $2'
	check_failure "a part that is not there" 2 "$TMP/rules:1: .2 in the name: the regex has 1 parts" \
		daemon --config "$TMP/conf" --check-config
	check_failure "no file" 1 "reading the group rules $TMP/none: No such file" \
		daemon --group-rules "$TMP/none" --check-config
}

# By exe it keeps what reads /proc/PID/exe of others.
test_exe()
{
	rules 'exe .*/python[0-9.]* => snake'
	start_daemon --interval 0.2 --group-rules "$TMP/rules" --mappings-names all
	check "by exe" wait_for 120 has_group snake
	stop_background "$daemon"
}

test_usage
start_service mail 300 5
start_service web 500 6
# shellcheck disable=SC2016
rules '# services' 'cmdline .*service\.py ([a-z]+).* => app-$1'
start_daemon --interval 0.2 --max-series 20000 --group-rules "$TMP/rules"
test_services
test_reload
stop_background "$daemon"
check_equal "the daemon ends with 0" "$?" 0
test_exe
done_testing
