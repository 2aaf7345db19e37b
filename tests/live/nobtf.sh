#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel without BTF: one clear line and status 77, none of libbpf's messages. An empty directory
# over /sys/kernel/btf, in a mount namespace of its own, looks like one.

. "$(dirname "$0")/../lib.sh"

# libbpf would also take a vmlinux of the same release.
for file in "/boot/vmlinux-$(uname -r)" "/lib/modules/$(uname -r)/vmlinux-$(uname -r)" \
	"/lib/modules/$(uname -r)/build/vmlinux" "/usr/lib/debug/boot/vmlinux-$(uname -r)"; do
	if [ -e "$file" ]; then
		skip "a kernel without BTF" "$file may hold the types too"
		done_testing
	fi
done

mkdir "$TMP/empty"
for command in "run -- true" "log -n 1" "top --once" "daemon --listen 127.0.0.1:0" check; do
	# shellcheck disable=SC2016,SC2086
	timeout "$(longer 300)" unshare --mount sh -c 'mount --bind "$1" /sys/kernel/btf && shift && exec "$@"' - \
		"$TMP/empty" "$FAULTMAP" $command >"$TMP/out" 2>"$TMP/messages" </dev/null
	check_equal "$command: exit status" "$?" 77
	if [ "$command" = check ]; then
		check_contains "check: names BTF" "$TMP/out" BTF
		continue
	fi
	check_equal "$command: one line" "$(wc -l <"$TMP/messages")" 1
	check_contains "$command: names BTF" "$TMP/messages" '^faultmap: .*BTF'
done
done_testing
