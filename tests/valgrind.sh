#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit tests under valgrind: no bad access, no use of what was never set, no leak. Its own TAP line for
# each. usage: tests/valgrind.sh [PATTERN]      (make check-valgrind)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

for source in tests/unit/test_*"${1:-}"*.c; do
	name=$(basename "$source" .c)
	check "$name" timeout 300 valgrind -q --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite,indirect,possible --trace-children=no \
		"$BUILD/tests/unit/$name"
done

done_testing
