// SPDX-License-Identifier: GPL-2.0-only
#include "collect/memory.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "model/snapshot.h"

/* The verifier and libbpf take this much beside the maps while the programs load. Measured on
 * Linux 6.18: with 14 MiB of maps it goes at a limit of 29 MiB (full detail: 30); at 28 it is
 * killed, at 26 bpf() says ENOMEM. Then 3 MiB are left of it. */
#define LOADING_BYTES (15ULL << 20)
/* struct htab_elem before its key; the head of a bucket. */
#define HASH_ELEMENT_BYTES 48
#define HASH_BUCKET_BYTES 16
/* Directories from the process's cgroup to the root of the tree. */
#define LEVELS_MAX 64

/* ---- maps ---- */

static uint64_t fdinfo_bytes(int fd)
{
	char path[64], line[128];
	autofclose FILE *file = NULL;
	uint64_t bytes = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	return bytes;
}

uint64_t memory_of_maps(const struct bpf_object *object)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map(map, object) sum += fdinfo_bytes(bpf_map__fd(map));
	return sum;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static uint64_t hash_bytes(const struct bpf_map *map)
{
	uint64_t entries = bpf_map__max_entries(map), buckets = 1;
	uint64_t element = HASH_ELEMENT_BYTES + round_up(bpf_map__key_size(map), 8) +
			   round_up(bpf_map__value_size(map), 8);

	while (buckets < entries)
		buckets *= 2;
	if (bpf_map__map_flags(map) & BPF_F_NO_PREALLOC)
		entries = 0;
	return entries * element + buckets * HASH_BUCKET_BYTES;
}

static uint64_t bytes_needed(const struct bpf_map *map, size_t n_cpus)
{
	uint64_t entries = bpf_map__max_entries(map);
	uint64_t values = entries * round_up(bpf_map__value_size(map), 8);

	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_ARRAY:
		return round_up(values, (uint64_t)sysconf(_SC_PAGESIZE));
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return values * n_cpus;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
		return hash_bytes(map);
	case BPF_MAP_TYPE_RINGBUF:
		return entries;
	default: /* grows with what is stored in it */
		return 0;
	}
}

uint64_t memory_needed_by_maps(const struct bpf_object *object, size_t n_cpus)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__autocreate(map))
			sum += bytes_needed(map, n_cpus);
	}
	return sum;
}

/* ---- limits ---- */

/* "max", or what version 1 has for it, the largest number of whole pages, is no limit. */
static uint64_t read_limit(const char *path)
{
	autofclose FILE *file = fopen(path, "re");
	uint64_t limit;

	if (!file || fscanf(file, "%" SCNu64, &limit) != 1 || limit >= INT64_MAX / 2)
		return UINT64_MAX;
	return limit;
}

/* From the cgroup up to where the tree is mounted. Where it is not below that (a container that
 * sees itself as "/", or the host's tree as the host has it), the mount's own root. */
static void find_lowest(const char *mount, const char *cgroup, const char *name,
			uint64_t *ret_limit, char *file, size_t size)
{
	char path[PATH_MAX];
	size_t length = (size_t)snprintf(path, sizeof(path), "%s%s", mount, cgroup);

	if (length >= sizeof(path) || access(path, F_OK))
		length = (size_t)snprintf(path, sizeof(path), "%s", mount);
	for (int i = 0; i < LEVELS_MAX && length >= strlen(mount); i++) {
		uint64_t limit = UINT64_MAX;

		if ((size_t)snprintf(path + length, sizeof(path) - length, "/%s", name) <
		    sizeof(path) - length)
			limit = read_limit(path);
		if (limit < *ret_limit) {
			*ret_limit = limit;
			snprintf(file, size, "%s", path);
		}
		path[length] = '\0';
		length = (size_t)(strrchr(path, '/') - path);
	}
}

/* Whether the controller is among those of a line of /proc/self/cgroup. */
static bool has_memory(const char *controllers)
{
	const char *found = strstr(controllers, "memory");

	return found && (found == controllers || found[-1] == ',') &&
	       (found[6] == ',' || !found[6]);
}

static void find_lowest_of_v2(const char *cgroup, uint64_t *ret_limit, char *file, size_t size)
{
	find_lowest("/sys/fs/cgroup", cgroup, "memory.max", ret_limit, file, size);
	find_lowest("/sys/fs/cgroup/unified", cgroup, "memory.max", ret_limit, file, size);
}

static void take_line(char *line, uint64_t *ret_limit, char *file, size_t size)
{
	char *controllers = strchr(line, ':');
	char *cgroup = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!cgroup)
		return;
	*cgroup++ = '\0';
	cgroup[strcspn(cgroup, "\n")] = '\0';
	if (!strcmp(cgroup, "/"))
		cgroup++;
	if (!controllers[1]) {
		find_lowest_of_v2(cgroup, ret_limit, file, size);
	} else if (has_memory(controllers + 1)) {
		find_lowest("/sys/fs/cgroup/memory", cgroup, "memory.limit_in_bytes", ret_limit,
			    file, size);
	}
}

static uint64_t limit_of_groups(const char *groups, char *file, size_t size)
{
	autofclose FILE *cgroups = fopen(groups, "re");
	char line[PATH_MAX + 256];
	uint64_t limit = UINT64_MAX;

	while (cgroups && fgets(line, sizeof(line), cgroups))
		take_line(line, &limit, file, size);
	return limit;
}

uint64_t memory_limit(char *file, size_t size)
{
	file[0] = '\0';
	return limit_of_groups("/proc/self/cgroup", file, size);
}

uint64_t memory_limit_of(const struct process *process, char *file, size_t size)
{
	char groups[64];
	uint64_t limit = UINT64_MAX;

	file[0] = '\0';
	if (process->ended) {
		if (process->cgroup && *process->cgroup)
			find_lowest_of_v2(process->cgroup, &limit, file, size);
		return limit;
	}
	snprintf(groups, sizeof(groups), "/proc/%" PRIu32 "/cgroup", process->tgid);
	return limit_of_groups(groups, file, size);
}

int memory_check(const struct bpf_object *object, size_t n_cpus, struct error *error)
{
	uint64_t maps = memory_needed_by_maps(object, n_cpus);
	char file[PATH_MAX], shown[256];
	char limit_text[TEXT_SIZE_LEN], maps_text[TEXT_SIZE_LEN], sum_text[TEXT_SIZE_LEN];
	uint64_t limit = memory_limit(file, sizeof(file));

	if (limit >= maps + LOADING_BYTES)
		return 0;
	text_escape_to(shown, sizeof(shown), file);
	return error_set(
		error, ENOMEM,
		"cannot load the BPF programs: the limit of memory is %s (%s), and to load "
		"them takes %s, of which %s of maps stay; raise it (MemoryMax= of a unit, "
		"limits of a container), or lower --max-rows",
		text_bytes(limit_text, limit), shown, text_bytes(sum_text, maps + LOADING_BYTES),
		text_bytes(maps_text, maps));
}
