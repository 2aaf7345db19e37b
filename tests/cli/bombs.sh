#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 40 s
# `report` of logs that are small on disk and large once they are unpacked: its memory is bounded, and it says what it
# left out. FACTOR=10 is the attack in its long form.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

FACTOR=${FACTOR:-1}
PACK='gzip -1' # what packs it
MOST_MIB=128 # the limits of report: rows some 50, a line 32, which may double, names 6

# bomb KIND: a packed log on stdout.
bomb()
{
	/usr/bin/python3 - "$1" "$FACTOR" <<-'END' | $PACK
		import sys
		kind, factor = sys.argv[1], int(sys.argv[2])
		ts = '"ts":"2026-11-22T10:00:00.000Z"'
		out = sys.stdout
		zeros = ''.join(f',"{n}":0,"{n}_total":0' for n in (
		    "entries", "minor", "major", "denied", "aborted", "gup", "lost_completions", "map_full",
		    "unresolved", "names_lost", "exits_lost", "stamps_lost", "lines_lost"))
		out.write('{"rec":"interval",%s,"seconds":1.0,"in_flight":0%s}\n' % (ts, zeros))

		def faults(number, pid, name):
		    out.write('{"rec":"faults",%s,"pid":%d,"start_ns":%d,"comm":"x","mapping":"%s","mapping_id":"0x%x",'
		              '"map_start":"0x1000","map_end":"0x2000","map_offset":0,"perms":"rw-p","kind":"demand_zero",'
		              '"access":"write","mode":"user","minor":1,"minor_total":1,"major":0,"major_total":0,'
		              '"denied":0,"denied_total":0,"pages":1,"pages_total":1}\n'
		              % (ts, pid, pid, name, number + 1))

		if kind == "names":
		    for i in range(60000 * factor):
		        faults(i, 7, "/%d/" % i + "n" * 4000)
		elif kind == "rows":
		    for i in range(250000 * factor):
		        faults(i, 7, "[anon]")
		elif kind == "processes":
		    for i in range(80000 * factor):
		        faults(i, i + 2, "[anon]")
		elif kind == "values":
		    for _ in range(factor):
		        out.write("[" + "[]," * 10000000 + "[]]\n")
		elif kind == "runs":
		    word = '"' + "w" * 1000 + '"'
		    for _ in range(3000 * factor):
		        out.write('{"rec":"run","command":[%s],"exit_status":0,"seconds":0.1,"processes":1,"minor_total":1,'
		                  '"major_total":0,"lines_lost":0,"lines_lost_total":0}\n' % ",".join([word] * 100))
		elif kind == "line":
		    for _ in range(factor):
		        out.write('{"rec":"' + "x" * (200 << 20) + '"}\n')
	END
}

# report_of FLAG...: of $TMP/bomb.gz, its text in $TMP/out; its exit status and the most that it took, in MiB.
report_of()
{
	/usr/bin/python3 - "$FAULTMAP" report "$@" "$TMP/bomb.gz" <<-'END' >"$TMP/took"
		import os, resource, subprocess, sys
		scratch = os.environ["TMP"]
		status = subprocess.call(sys.argv[1:], stdout=open(scratch + "/out", "w"), stderr=open(scratch + "/err", "w"))
		print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
	END
	read -r status mib <"$TMP/took"
}

# check_bomb KIND STATUS REGEX [FLAG...]
check_bomb()
{
	bomb "$1" >"$TMP/bomb.gz"
	report_of "${@:4}"
	check_equal "$1 ${*:4}: exit status" "$status" "$2"
	if [ "$mib" -le "$MOST_MIB" ]; then
		ok "$1 ${*:4}: takes at most $MOST_MIB MiB"
	else
		not_ok "$1 ${*:4}: takes at most $MOST_MIB MiB" "it took $mib MiB for $(stat -c %s "$TMP/bomb.gz") bytes"
	fi
	check_contains "$1 ${*:4}: says so" <(cat "$TMP/out" "$TMP/err") "$3"
	echo "# $1 ${*:4}: $(stat -c %s "$TMP/bomb.gz") bytes of $PACK took $mib MiB"
}

# Sums are what the log says, though not each row is kept.
check_bomb names 0 '^[0-9,]+ names were cut to fit$'
check_bomb names 0 '^[0-9,]+ names were cut to fit$' --by mapping
check_bomb rows 0 '^[0-9,]+ lines have more processes or rows than fit: their faults are in \[other\]'
all=$(/usr/bin/python3 -c "print(f'{250000 * $FACTOR:,}')")
check_contains "rows: none is missing" "$TMP/out" "^ *$all .* total\$"
check_bomb processes 0 '^[0-9,]+ lines have more processes or rows than fit'
check_bomb values 1 'bomb.gz:2: more values than any line'
check_bomb runs 0 '^[0-9,]+ more commands$'
check_bomb line 1 'bomb.gz:2: a line of more than 32 MiB'
# What a file is is told by what it begins with, not by its name.
PACK='zstd -19 -qc'
check_bomb rows 0 '^[0-9,]+ lines have more processes or rows than fit: their faults are in \[other\]'
check_bomb line 1 'bomb.gz:2: a line of more than 32 MiB'
# A window of 2 GiB would be memory.
PACK='zstd --long=31 -qc'
check_bomb line 1 'bomb.gz:1: unpacking it: .*memory.*; the rest is not read'
done_testing
