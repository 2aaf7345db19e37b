#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which share of all faults has a name, by --max-series and --mappings: the table of packaging/prometheus/README.md.
# Daemons with different limits watch the same minute of churn and of the machine's other load. This measures; it only
# fails if a daemon does not answer.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# share FAMILY LABEL FILE: of FAMILY, what is not in LABEL="other", in percent.
share()
{
	awk -v family="$1" -v other="$2=\"other\"" 'index($0, family "{") == 1 {
		all += $NF; if (!index($0, other)) named += $NF }
		END { printf "%.1f", all ? named / all * 100 : 0 }' "$3"
}

# watch MAX_SERIES...: one daemon each, with the $mappings.
watch()
{
	local limit urls=() daemons=() i=0

	for limit; do
		start_daemon --interval 1 --group-by comm --max-series "$limit" --mappings "$mappings"
		urls+=("$url")
		daemons+=("$daemon")
	done
	"$BUILD/workload/churn" 100 1000 "${SECONDS_OF_CHURN:-40}" </dev/null >"$TMP/steady"
	for limit; do
		url=${urls[i]}
		check "the daemon with $limit series and $mappings answers" scrape "$TMP/coverage"
		echo "# | $limit | $mappings | $(value faultmap_series "$TMP/coverage") | $(value faultmap_groups "$TMP/coverage") |" \
			"$(share faultmap_group_faults_total group "$TMP/coverage") % |" \
			"$(grep -c '^faultmap_mapping_faults_total' "$TMP/coverage") |" \
			"$(share faultmap_mapping_faults_total mapping "$TMP/coverage") % |"
		stop_background "${daemons[i]}"
		i=$((i + 1))
	done
}

echo '# | --max-series | --mappings | series | groups | faults with a group | series of mappings | faults with a mapping |'
for mappings in top=5 top=10 top=20; do
	watch 1300 2000 5000
done
done_testing
