// SPDX-License-Identifier: GPL-2.0-only
#include "collect/attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* A listing of /proc: far more than a machine has processes, pid_max. */
#define MAX_LISTED (1 << 22)

struct listed {
	pid_t pid, parent;
	bool is_followed;
};

struct listing {
	struct listed *list;
	size_t count, capacity;
};

/* The parent's pid of /proc/PID/stat; 0 where it has ended. A comm may have blanks and brackets. */
static pid_t parent_of(const char *pid)
{
	char path[64], line[512];
	autofclose FILE *file = NULL;
	const char *behind;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	behind = strrchr(line, ')');
	return behind && sscanf(behind, ") %*c %d", &parent) == 1 ? parent : 0;
}

static int add(struct listing *listing, pid_t pid, pid_t parent)
{
	size_t capacity = listing->capacity ? 2 * listing->capacity : 256;

	if (listing->count == listing->capacity) {
		struct listed *grown = reallocarray(listing->list, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		listing->list = grown;
		listing->capacity = capacity;
	}
	listing->list[listing->count++] = (struct listed){ .pid = pid, .parent = parent };
	return 0;
}

/* All processes. 0 or a negative errno. */
static int list_processes(struct listing *ret_listing)
{
	DIR *proc = opendir("/proc");
	int result = 0;

	if (!proc)
		return -errno;
	for (struct dirent *entry; !result && (entry = readdir(proc));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && ret_listing->count < MAX_LISTED)
			result = add(ret_listing, pid, parent_of(entry->d_name));
	}
	closedir(proc);
	return result;
}

static int compare_pids(const void *left, const void *right)
{
	return compare_u64((uint64_t)((const struct listed *)left)->pid,
			   (uint64_t)((const struct listed *)right)->pid);
}

/* The list is sorted by pid. */
static bool has_followed_parent(const struct listing *listing, pid_t parent)
{
	struct listed key = { .pid = parent };
	const struct listed *found = bsearch(&key, listing->list, listing->count, sizeof(key),
					     compare_pids);

	return found && found->is_followed;
}

static void follow_named(struct listing *listing, const struct collector_options *options)
{
	for (size_t i = 0; i < listing->count; i++)
		for (size_t k = 0; k < options->n_attach; k++)
			listing->list[i].is_followed |= listing->list[i].pid == options->attach[k];
}

/* Follows one more generation of children; false: there is none. */
static bool follow_children(struct listing *listing)
{
	bool has_more = false;

	for (size_t i = 0; i < listing->count; i++) {
		struct listed *listed = &listing->list[i];

		if (listed->is_followed || !has_followed_parent(listing, listed->parent))
			continue;
		listed->is_followed = has_more = true;
	}
	return has_more;
}

static int follow_descendants(struct kernel *kernel, const struct collector_options *options)
{
	struct listing listing = {};
	int result = list_processes(&listing);

	if (!result && listing.count)
		qsort(listing.list, listing.count, sizeof(*listing.list), compare_pids);
	if (!result)
		follow_named(&listing, options);
	while (!result && follow_children(&listing))
		;
	for (size_t i = 0; i < listing.count && !result; i++)
		if (listing.list[i].is_followed)
			result = kernel_follow(kernel, listing.list[i].pid);
	free(listing.list);
	return result;
}

int attach_processes(struct kernel *kernel, const struct collector_options *options,
		     struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < options->n_attach && !result; i++)
		result = kernel_follow(kernel, options->attach[i]);
	if (!result && options->attach_children)
		result = follow_descendants(kernel, options);
	return result ? error_set(error, -result, "attaching to the processes: %s",
				  strerror(-result)) :
			0;
}
