#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# faultgen on a machine without a shared zero page. A mmap() in its place, which makes anonymous memory shared,
# imitates one: there a read takes a page of its own, too. Only the case that needs a zero page says that it is
# not possible.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

faultgen=$BUILD/workload/faultgen

make_shim()
{
	cat >"$TMP/shim.c" <<-'END'
		#define _GNU_SOURCE
		#include <sys/mman.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
		{
			if ((flags & MAP_PRIVATE) && (flags & MAP_ANONYMOUS) && prot != PROT_NONE)
				flags ^= MAP_PRIVATE | MAP_SHARED;
			return (void *)syscall(SYS_mmap, at, size, prot, flags, fd, offset);
		}
	END
	gcc -shared -fPIC -o "$TMP/shim.so" "$TMP/shim.c"
}

# without_zero_page CASE...: runs each and prints what it exits with.
without_zero_page()
{
	local case

	for case; do
		LD_PRELOAD=$TMP/shim.so "$faultgen" "$case" >"$TMP/$case.json" 2>"$TMP/$case.err"
		echo "$case $?"
	done
}

check "a mmap() without the zero page" make_shim
check_equal "cow_zero alone is not possible" \
	"$(without_zero_page demand_zero_write demand_zero_read cow_zero kernel_read populate threads)" \
	$'demand_zero_write 0\ndemand_zero_read 0\ncow_zero 77\nkernel_read 0\npopulate 0\nthreads 0'
check_equal "it says why" "$(cat "$TMP/cow_zero.err")" \
	"faultgen: cow_zero: needs a shared zero page: a read takes a page of its own here"
check_equal "reads bring pages, by the kernel's own count" \
	"$(jq -c '[.minor, .pages]' "$TMP/demand_zero_read.json")" '[256,256]'
done_testing
