#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# axe-core checks the page at / (`make check-page`). npm fetches it into the user's cache; nothing of it is in
# the tree or in faultmap.
# usage: tests/page/accessible.sh [DIRECTORY for pictures]
# shellcheck source=tests/tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/../tap.bash"
# shellcheck source=tests/page/lines.bash
. tests/page/lines.bash

VERSION=4.14.1
SHA256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
cache=${XDG_CACHE_HOME:-$HOME/.cache}/faultmap/axe-core-$VERSION
axe=$cache/node_modules/axe-core/axe.min.js

if [ ! -e "$axe" ]; then
	mkdir -p "$cache"
	check "npm installs axe-core $VERSION" npm install --silent --prefix "$cache" --no-save --ignore-scripts \
		--no-audit --no-fund "axe-core@$VERSION"
fi
check_equal "it is the one that we know" "$(sha256sum <"$axe")" "$SHA256  -"
lines_seconds=900 # 52 views: four minutes where others work on the machine
check_lines tests/page/accessible.py "$axe" "$@"
done_testing
