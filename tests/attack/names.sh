#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: memory by names: 64,000 files with paths of 3.9 KiB, mapped and unlinked by nobody
# takes 60 s
# The long form of tests/live/names_budget.sh: 64,000 files, which took the daemon from 11 to 355 MB once.
FILES=64000 exec "$(dirname "$0")/../live/names_budget.sh"
