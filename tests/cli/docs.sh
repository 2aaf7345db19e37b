#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 5 s
# The pages that people read: every link of Markdown files and manual pages leads somewhere, prose fits 100
# columns, README.md is a front page and no book, the changelog has the version that is built.
. "$(dirname "$0")/../lib.sh"

mapfile -t pages < <(find . \( -name build -o -name '.git' \) -prune -o -name '*.md' -printf '%P\n' | sort)

# complaints links|width FILE...
complaints()
{
	/usr/bin/python3 tests/cli/docs.py "$@" 2>&1
}

check "there are pages" test "${#pages[@]}" -ge 15
for page in "${pages[@]}" packaging/man/*; do
	check_equal "$page: its links lead somewhere" "$(complaints links "$page")" ""
done
for page in "${pages[@]}"; do
	check_equal "$page: its prose fits 100 columns" "$(complaints width "$page")" ""
done
check_equal "README.md has at most 12 KB" "$(find . -maxdepth 1 -name README.md -size +12288c)" ""
check_equal "the changelog begins with the version that is built" \
	"$(sed -nE 's/^## ([0-9.]+).*/\1/p' packaging/CHANGELOG.md | head -n 1)" \
	"$(sed -n 's/.*FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)"
check_equal "make help lists every target" "$(make help |
	grep -oE '[a-z]+(-[a-z]+)*' | sort -u | comm -13 - <(sed -n 's/^\.PHONY: //p' Makefile | tr ' ' '\n' |
		grep -vx help | sort))" ""

# The checker would notice.
mkdir "$TMP/docs"
cat >"$TMP/docs/bad.md" <<'END'
# One heading
[gone](nowhere.md) [no heading](#two-headings) [plain](http://example.com) `src/base/gone.c`
[there](bad.md#one-heading) `src/base/{text,gone2}.c` `src/base/text.*` `src/cmd/cmd_NAME.c`
END
check_equal "a broken link, heading, address and path are found" \
	"$(complaints links "$TMP/docs/bad.md" | sed 's|.*/bad.md: ||')" \
	"nowhere.md: there is no $TMP/docs/nowhere.md
#two-headings: $TMP/docs/bad.md has no such heading
http://example.com is no https:// address
\`src/base/gone.c\`: there is no src/base/gone.c
\`src/base/{text,gone2}.c\`: there is no src/base/gone2.c"
{
	printf 'word %.0s' {1..20}
	# shellcheck disable=SC2016 # Markdown's `
	printf '\n| %0101d |\n```\n%0101d\n```\nwords of %0101d\n' 1 2 3
} >"$TMP/docs/wide.md"
check_equal "a line that is too long is found, but not of a table or of code" \
	"$(complaints width "$TMP/docs/wide.md" | sed 's|.*/wide.md: ||')" "line 6 has 110 columns"
cat >"$TMP/docs/bad.1" <<'END'
.Sh ONE
See
.Xr faultmap 1 , faultmap 9
.Xr faultmap 2 ,
.Sx TWO .
.Sx ONE .
END
check_equal "a page and a section that are not there are found" \
	"$(complaints links "$TMP/docs/bad.1" | sed 's|.*/bad.1: ||')" \
	"there is no page faultmap 2
there is no section TWO"
done_testing
