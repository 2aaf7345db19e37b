#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 30 s
# The page at / in a browser: clicks, keys and links, and made-up answers: no group, 2,000 groups, names with
# markup, a daemon that has ended.
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
