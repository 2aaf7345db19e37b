#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 80 s
# The kernel refuses to load any one of the BPF programs: see refused.bash.

. "$(dirname "$0")/../lib.sh"
. tests/live/refused.bash

list_calls
check_each load EPERM E2BIG EINVAL ENOSPC
done_testing
