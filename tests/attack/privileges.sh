#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: root's daemon: which user, capabilities and system calls it keeps
BUILD=${BUILD:-build}
"$BUILD/tests/unit/test_sandbox" >&2 || { echo "not ok 1 - test_sandbox"; exit 1; }
exec "$(dirname "$0")/../live/sandbox.sh"
