# SPDX-License-Identifier: GPL-2.0-only
# What the live tests ask a log of JSON lines (read with -s: one array).

def hex:
	ascii_downcase | ltrimstr("0x") | explode
	| reduce .[] as $c (0; . * 16 + $c - (if $c >= 97 then 87 else 48 end));

# To be compared: without leading zeros, the longer one is the higher.
def address: ltrimstr("0x") | [length, .];

def total(values): reduce values as $value (0; . + $value);

# The `faults` lines of a process.
def faults_of($pid): .[] | select(.rec == "faults" and .pid == $pid);

# Those in an address range; what lies in no mapping has no range of its own.
def in_range($from; $to):
	($from | address) as $from | ($to | address) as $to
	| select((.map_start | address) < $to and (.map_end | address) > $from);
def faults_in($pid; $from; $to): faults_of($pid) | in_range($from; $to);

# Sums deltas by mapping, kind, access, mode: one line of text each.
def describe($with_pages):
	group_by([.mapping, .kind, .access, .mode])[]
	| "\(.[0].mapping | rtrimstr(" (deleted)")) \(.[0].kind) \(.[0].access) \(.[0].mode): "
	+ "\(total(.[].minor)) minor, \(total(.[].major)) major, \(total(.[].denied)) denied"
	+ if $with_pages then ", \(total(.[].pages)) pages" else "" end;
def describe: describe(false);

# What cannot be told without a feature of `faultmap check` is the coarser kind, or other pages: one for each
# fault, or the 16 of the window around it.
def without_rss_stat($lacks):
	if .kind == "swap_in" and .major == 0 then .kind = .coarse | .pages = .faults
	else . end;
def without($lacks):
	(if $lacks | index("rss_stat") then without_rss_stat($lacks) else . end)
	| (if ($lacks | index("tlb_flush")) and .kind == "wp_other" then .kind = .coarse else . end)
	| (if ($lacks | index("map_pages") and index("direct_reads")) and .kind == "file_map" then
		.pages = .faults else . end)
	| (if ($lacks | index("perf_events")) and .kind == "huge_zero" then .pages = .faults else . end)
	| (if $lacks | index("perf_events") then .kind = .coarse else . end)
	# What looks allowed at entry, and is denied by the page table, is told by the signal alone.
	| (if ($lacks | index("signals")) and .case == "denied_guard" then .faults = 0 else . end);

# What faultgen reported, as --detail=full should see it: the exact kind, and the pages mapped. $LACKS
# has the names of the features that this kernel lacks.
def in_detail($detail):
	def exactly: .coarse = .kind | .kind = .exact | without($ENV.LACKS // "" | split(","));

	if $detail == "full" then
		exactly | .before |= exactly | .with_pages = true
	else . end;

# What a log says about the case that faultgen reported as $case.
def got($case):
	[ if $case.kind == "denied_unmapped" then
		faults_of($case.pid) | select(.kind == $case.kind)
	  else
		faults_in($case.pid; $case.start; $case.end)
		# What populate brings in had no exception: see check_populate.
		| select(.kind != "populate")
		# The stack has faults from before main, too.
		| select($case.mapping != "[stack]" or .kind == $case.kind)
	  end
	] | describe($case.with_pages // false);

# The same text, from faultgen's own report.
def want:
	. as $case
	| [
		if $case.before.faults > 0 then
			$case.before + {mode: "user", minor: .before.faults, major: 0, denied: 0}
		else empty end,
		if $case.faults > 0 then $case else empty end
	| . + {mapping: $case.mapping} ] | describe($case.with_pages // false);

# All of a run: nothing may be without a kind or a mapping.
def unexplained:
	if any(.[]; .rec == "interval") | not then "no interval line" else
		total(.[] | select(.rec == "faults" and .kind == "unknown") | .minor + .major + .denied)
		+ total(.[] | select(.rec == "interval") | .unresolved)
	end;

# Read with -n: where the kernel's own perf events, its tasks' counters and our rows disagree about all that
# `run` followed, once it has ended. A line of text for each; none if all is well.
# Where a fault's entry is a perf event ($LACKS), minor faults end in one in fast detail too.
def discrepancies($wanted_detail):
	(if $ENV.LACKS // "" | split(",") | index("fault_entry") then "full" else $wanted_detail end) as $detail
	| reduce (inputs | select(.rec == "interval" or .rec == "exit")) as $line
		({accounted: 0, gup: 0};
		if $line.rec == "interval" then .last = $line else
			.accounted += $line.minor_total + $line.major_total | .gup += $line.gup_total
		end)
	| .accounted as $accounted | .gup as $gup | .last
	# Rows of the kind populate had no perf event; nothing here makes major ones.
	| (.populated_total // 0) as $populated
	| select(.perf_major_total != .major_total)
		, select($detail == "full" and .perf_minor_total != .minor_total - $populated)
		, select($detail == "fast" and has("perf_minor_total"))
		, select($detail == "full" and .missed_total != 0)
		, select($detail == "full"
			and .gup_total != $accounted - .perf_minor_total - .perf_major_total - $populated)
		, select(.gup_total != $gup)
	| "rows: \(.minor_total) minor, \(.major_total) major; perf events: \(.perf_minor_total),"
	+ " \(.perf_major_total); tasks: \($accounted), gup \($gup); total: gup \(.gup_total),"
	+ " missed \(.missed_total)";

# What faultgen reported, as it looks where the fault's entry is a perf event: nobody tells what the access was,
# nor whether a page was present. --detail=full sees huge pages and, by rss_stat, copies of a file's pages.
def coarse($detail; $mapping):
	if IN("cow", "wp_other", "mkwrite", "file_cow") | not then .
	elif $mapping | startswith("/") | not then "demand_zero"
	elif $detail == "full" and . != "mkwrite" and ($ENV.LACKS // "" | split(",") | index("rss_stat") | not)
	then . else "file_map" end;
def without_error_code($detail):
	.access = "unknown" | .before.access = "unknown"
	| if $detail == "full" and .case == "huge_cow" then .kind = "huge_zero"
	  elif .case == "userfaultfd_wp" then .kind = "demand_zero"
	  else . end
	| .mapping as $mapping
	| .kind |= coarse($detail; $mapping)
	| if .before.faults > 0 then .before.kind |= coarse($detail; $mapping) else . end;
