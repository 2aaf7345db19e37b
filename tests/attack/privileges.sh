#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: the daemon of root: what is left of its user, capabilities and system calls
BUILD=${BUILD:-build}
"$BUILD/tests/unit/test_sandbox" >&2 || { echo "not ok 1 - test_sandbox"; exit 1; }
exec "$(dirname "$0")/../live/sandbox.sh"
