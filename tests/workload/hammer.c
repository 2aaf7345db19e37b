// SPDX-License-Identifier: GPL-2.0-only
/* hammer: updates, looks up and walks an own BPF hash map until it is killed. While a task is in
 * such a system call, perf-event programs on its CPU do not run: completions get lost. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_KEYS 4096

static int call(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

int main(void)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(uint64_t),
		.max_entries = N_KEYS,
	};
	int map = call(BPF_MAP_CREATE, &create);
	uint64_t value = 0;

	if (map < 0) {
		fprintf(stderr, "hammer: a BPF map: %s\n", strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (uint32_t i = 0;; i++) {
		uint32_t key = i % N_KEYS, next;
		union bpf_attr element = {
			.map_fd = (uint32_t)map,
			.key = (uintptr_t)&key,
			.value = (uintptr_t)&value,
		};

		if (call(BPF_MAP_UPDATE_ELEM, &element) || call(BPF_MAP_LOOKUP_ELEM, &element))
			return 1;
		element.next_key = (uintptr_t)&next;
		if (call(BPF_MAP_GET_NEXT_KEY, &element) && errno != ENOENT)
			return 1;
	}
}
