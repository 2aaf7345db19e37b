#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 80 s
# The kernel refuses to attach or run any one of the BPF programs, or to make a map: see refused.bash.

. "$(dirname "$0")/../lib.sh"
. tests/live/refused.bash

list_calls
check_each attach EPERM
check_each run EPERM
check_each map EINVAL
done_testing
