#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 60 s
# rate() is right while groups come and go: a real Prometheus scrapes the daemon for 30 seconds of churn over 100
# names, more than have room. The ten minutes of it are fleet/churn.sh.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tests/fleet/rates.bash
. tests/fleet/rates.bash

if ! command -v prometheus >/dev/null; then
	skip "rate() is right" "prometheus is not installed"
	done_testing
fi
RATE_PERCENT=5
churn 100 1000 35 1300
done_testing
