#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# rate() is right over churn of 500 groups for ten minutes (SECONDS_OF_CHURN), at the default limit of series.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tests/fleet/rates.bash
. tests/fleet/rates.bash

LEAST_EVICTED=100
churn 500 4000 "${SECONDS_OF_CHURN:-600}" 2000
done_testing
