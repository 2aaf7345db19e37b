#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 80 s
# Any one BPF program may not be attached or run, or a map may not be made: see refused.bash.

. "$(dirname "$0")/../lib.sh"
. tests/live/refused.bash

list_calls
check_each attach EPERM
check_each run EPERM
check_each map EINVAL
done_testing
