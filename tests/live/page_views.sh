#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# What the page at / does in a browser with clicks, keys and links, and with answers that are made up: no group, 2,000
# of them, names with markup, no daemon any more.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tests/page/lines.bash
. tests/page/lines.bash

if command -v chromium >/dev/null; then
	check_lines tests/page/views.py
else
	skip "a browser shows the page" "chromium is not installed"
fi
done_testing
