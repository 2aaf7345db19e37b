#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# As tests/live/privilege.sh, where a user with CAP_PERFMON may open perf events: Debian's default forbids it.

echo 2 >/proc/sys/kernel/perf_event_paranoid || exit 1
exec tests/live/privilege.sh
