#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 80 s
# Any one BPF program is refused by the kernel: see refused.bash.

. "$(dirname "$0")/../lib.sh"
. tests/live/refused.bash

list_calls
check_each load EPERM E2BIG EINVAL ENOSPC
done_testing
