#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a host takes on a Prometheus' disk: the recorded hour (hour.xz), twice, as blocks of two hours that promtool makes
# of 5 hosts scraped each 15 s, of 10 and of 20 scraped each minute. packaging/prometheus/README.md has the table.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

HOUR=${HOUR:-tests/fleet/hour.xz}
# Where each block of two hours begins in the recording does not matter, but that it begins with one does.
FROM=$(($(date +%s) / 7200 * 7200 - 7200))

# stat_of NAME: the sum of this figure of all blocks.
stat_of()
{
	find "$TMP/blocks" -name meta.json -exec jq ".stats.$1" {} + | awk '{ sum += $1 } END { print sum + 0 }'
}

# bytes DIRECTORY NAME: of the files of this name, or below it.
bytes()
{
	find "$1" -path "*/$2*" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

# make_blocks HOSTS EVERY
make_blocks()
{
	rm -rf "$TMP/blocks"
	/usr/bin/python3 tests/fleet/hosts.py write "$HOUR" "$1" "$2" "$FROM" >"$TMP/openmetrics" &&
		promtool tsdb create-blocks-from openmetrics -q "$TMP/openmetrics" "$TMP/blocks"
}

# measure HOSTS EVERY: sets $kilobytes to those of a host and day.
measure()
{
	local samples chunks index series

	check "$1 hosts, each $2 s: promtool makes blocks of them" make_blocks "$1" "$2"
	samples=$(stat_of numSamples)
	series=$(stat_of numSeries)
	chunks=$(bytes "$TMP/blocks" chunks/)
	index=$(bytes "$TMP/blocks" index)
	check "with all their samples" test "$samples" -eq "$(grep -vc '^#' "$TMP/openmetrics")"
	kilobytes=$(((chunks + index) * 12 / $1 / 1000))
	awk -v hosts="$1" -v every="$2" -v samples="$samples" -v chunks="$chunks" -v index_="$index" \
		-v series="$series" -v kilobytes="$kilobytes" 'BEGIN {
		printf "# %d hosts, each %d s: %.2f bytes a sample, %.0f of index a series: %.1f MB a host and day\n",
			hosts, every, chunks / samples, index_ / series, kilobytes / 1e3 }'
}

if ! command -v promtool >/dev/null; then
	skip "what a host takes on disk" "promtool is not installed"
	done_testing
fi
measure 5 15
often=$kilobytes
measure 10 60
ten=$kilobytes
measure 20 60
check "a scrape each minute takes less than one each 15 s" test "$ten" -lt "$often"
check "twenty hosts take twice as much as ten, within a tenth" \
	test "$kilobytes" -gt $((ten * 9 / 10)) -a "$kilobytes" -lt $((ten * 11 / 10))
done_testing
