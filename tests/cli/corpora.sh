#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each fuzz target with each input of its corpus (tests/fuzz), once.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	check "$name: $(find "tests/fuzz/corpus/$name" -type f | wc -l) inputs" \
		timeout "$(longer 300)" "$BUILD/fuzz/$name" "tests/fuzz/corpus/$name"/*
done

done_testing
