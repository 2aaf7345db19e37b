#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints what the guests of build/vm saw, as Markdown: "tests" is a table of kernels and test files, with skips
# and their reasons; "features" is the support matrix, from each kernel's own `faultmap check`. "update" puts
# both into tests/vm/README.md, if all guests ran in one run.
# usage: tests/vm/tables.sh tests|features|update
# environment: BUILD

set -u
export LC_ALL=C.UTF-8
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1
. tests/vm/guests.bash

WORK=$(realpath -m "${BUILD:-build}")/vm
names=() # of the guests that ran, in the order of guests.bash

while read -r name _; do
	[ -n "$name" ] && [ -e "$WORK/$name/report" ] && names+=("$name")
done <<<"$guests"
if [ "${#names[@]}" -eq 0 ]; then
	echo "tables.sh: no guest has run in $WORK: run make check-vm first" >&2
	exit 1
fi

# A line for each test file of each guest: GUEST FILE CELL
cells()
{
	local name

	for name in "${names[@]}"; do
		sed -nE 's/^(PASS|FAIL|SKIP) [^ ]+ [^ ]+ ([^ ]+): ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped.*/\2 \3 \4 \5/p' \
			"$WORK/$name/report" | while read -r file passed failed skipped; do
			cell=$passed
			[ "$passed" -gt 0 ] || cell=-
			[ "$skipped" -eq 0 ] || cell+=" (+$skipped)"
			[ "$failed" -eq 0 ] || cell="**$failed failed**"
			echo "$name $file $cell"
		done
	done
}

# Which run it was: run.sh leaves this of a run of all guests.
print_run()
{
	local date seconds jobs tree

	if ! read -r date seconds jobs tree <"$WORK/complete"; then
		echo "Several runs. $(qemu-system-x86_64 --version | head -n 1)."
		return
	fi 2>/dev/null
	echo "$date, one run of ${tree:-?} by \`make check-vm\`: ${#names[@]} guests in $((seconds / 60)) min $((seconds % 60)) s," \
		"$jobs at once; $(cat "$WORK/sum"). $(qemu-system-x86_64 --version | head -n 1)."
}

print_tests()
{
	local name

	print_run
	echo "A number is of tests passed, one behind + of those skipped."
	echo
	for name in "${names[@]}"; do
		echo "$name $(<"$WORK/$name/release") $(cat "$WORK/$name/version" 2>/dev/null || echo ?)"
	done | awk '
		NR == FNR { order[++rows] = $1; release[$1] = $2; version[$1] = $3; next }
		!($2 in known) { known[$2]; file[++files] = $2 }
		{ cell[$1, $2] = substr($0, length($1 $2) + 3) }
		END {
			printf "| guest | uname -r | Debian package |"
			for (f = 1; f <= files; f++)
				printf " %s |", file[f]
			printf "\n| --- | --- | --- |"
			for (f = 1; f <= files; f++)
				printf " --- |"
			print ""
			for (r = 1; r <= rows; r++) {
				printf "| %s | %s | %s |", order[r], release[order[r]], version[order[r]]
				for (f = 1; f <= files; f++)
					printf " %s |", cell[order[r], file[f]]
				print ""
			}
		}' - <(cells)
	print_reasons
}

# What failed or was skipped, and why; alike ones in one line.
print_reasons()
{
	local name

	for name in "${names[@]}"; do
		sed -nE -e "s/^  ([a-z_]+): ok [0-9]+ - (.*) # SKIP (.*)/\1: skipped \2: \3|$name/p" \
			-e "s/^  ([a-z_]+): not ok [0-9]+ - (.*)/\1: **failed** \2|$name/p" \
			-e "s/^FAIL [^ ]+ [^ ]+: (.*)/**failed**: \1|$name/p" \
			-e "s/^  ([a-z_]+: [a-zA-Z].*: .*)/skipped: \1|$name/p" "$WORK/$name/report"
	done | sed -E 's/: skipped (fast|full), /: skipped /' | awk -F '|' '
		seen[$0]++ { next }
		!($1 in guests) { order[++n] = $1 }
		{ guests[$1] = guests[$1] (guests[$1] == "" ? "" : ", ") $2 }
		END {
			if (n)
				print ""
			for (i = 1; i <= n; i++)
				print "- " order[i] " (" guests[order[i]] ")"
		}'
}

# The kernels alone: variants have the features of theirs.
print_features()
{
	local name

	for name in "${names[@]}"; do
		[[ $name == *+* ]] ||
			sed -n "s/^@@CHECK {/{\"guest\":\"$name $(<"$WORK/$name/version")\",/p" \
				"$WORK/$name/console"
	done | jq -rs '
		def unique_in_order: reduce .[] as $x ([]; if index([$x]) then . else . + [$x] end);
		(map(.guest) | unique_in_order) as $guests
		| (map(.feature) | unique_in_order) as $features
		| . as $all
		| (["feature"] + ($guests | map(split(" ") as $n | ($n[0] | split("-")[0]) + " "
			+ ($n[1] | sub("-.*"; ""))
			+ if $n[0] | test("-rt") then " rt" else "" end)) + ["without it"]),
			(["---"] + ($guests | map("---")) + ["---"]),
			($features[] as $feature | [$all[] | select(.feature == $feature)] as $rows
				| [$feature + if $rows[0].required then " (required)" else "" end]
				+ ($guests | map(. as $guest | [$rows[] | select(.guest == $guest)]
					| if length == 0 then "" elif .[0].available then "yes" else "**no**" end))
				+ [[$rows[].lost // empty] | unique_in_order | join("; ")])
		| "| " + join(" | ") + " |"'
}

# replace_section FILE SECTION: what is between <!-- tables.sh SECTION --> and <!-- tables.sh end -->.
replace_section()
{
	local file=$1 section=$2

	"print_$section" >"$WORK/section"
	if ! awk -v section="$section" -v new="$WORK/section" '
		$0 == "<!-- tables.sh end -->" { inside = 0 }
		!inside
		$0 == "<!-- tables.sh " section " -->" {
			inside = found = 1
			while ((getline line <new) > 0)
				print line
		}
		END { exit !found || inside }' "$file" >"$WORK/page"; then
		echo "tables.sh: $file has no section <!-- tables.sh $section -->" >&2
		return 1
	fi
	cat "$WORK/page" >"$file"
}

update()
{
	if [ ! -e "$WORK/complete" ]; then
		echo "tables.sh: the last run in $WORK was not one of all guests: run make check-vm" >&2
		return 1
	fi
	replace_section tests/vm/README.md features && replace_section tests/vm/README.md tests
}

case ${1-} in
tests) print_tests ;;
features) print_features ;;
update) update ;;
*)
	echo "usage: tests/vm/tables.sh tests|features|update" >&2
	exit 2
	;;
esac
