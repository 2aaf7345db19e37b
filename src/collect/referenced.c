// SPDX-License-Identifier: GPL-2.0-only
#include "collect/referenced.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

/* The bits of all pages, and no more (CLEAR_REFS_ALL, fs/proc/task_mmu.c): no page faults again for
 * it, as with 4. Without a flush of TLBs: what a CPU has there may be touched and not be noted. */
#define CLEAR_ALL "1"

struct referenced {
	FILE *smaps;
	struct mapping_use use;
};

/* 0 or a negative errno. */
static int clear(int directory)
{
	autoclose int fd = openat(directory, "clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, CLEAR_ALL, 1) == 1 ? 0 : -errno;
}

static void read_comm(int directory, char *comm)
{
	autoclose int fd = openat(directory, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, comm, COMM_LEN - 1);

	comm[length > 0 ? length : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

/* NULL with errno set. */
static FILE *open_smaps(int directory)
{
	int fd = openat(directory, "smaps", O_RDONLY | O_CLOEXEC);
	FILE *smaps = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && !smaps)
		close(fd);
	return smaps;
}

int referenced_begin(uint32_t tgid, struct referenced **ret_referenced, struct error *error)
{
	struct referenced *referenced = calloc(1, sizeof(*referenced));
	autoclose int directory = -1;
	char path[32];
	int result;

	if (!referenced)
		return error_set(error, ENOMEM, "starting: out of memory");
	snprintf(path, sizeof(path), "/proc/%" PRIu32, tgid);
	referenced->use.tgid = tgid;
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0)
		referenced->smaps = open_smaps(directory);
	result = referenced->smaps ? clear(directory) : -errno;
	if (!result) {
		read_comm(directory, referenced->use.comm);
		*ret_referenced = referenced;
		return 0;
	}
	referenced_free(referenced);
	return error_set(error, -result,
			 "--unused: %s/smaps and clear_refs: %s; it needs root, and a kernel with "
			 "CONFIG_PROC_PAGE_MONITOR",
			 path, strerror(-result));
}

void referenced_free(struct referenced *referenced)
{
	if (!referenced)
		return;
	if (referenced->smaps)
		fclose(referenced->smaps);
	free(referenced);
}

/* Sets the name behind "START-END PERMS OFFSET DEVICE INODE "; false: the line does not begin a
 * mapping. The name is the kernel's, but for what has none. */
static bool begins_mapping(char *line, char *name, size_t size)
{
	uint64_t start, end;
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4s %*x %*s %*u %n", &start, &end, &at) < 2 ||
	    !at)
		return false;
	line[strcspn(line, "\n")] = '\0';
	if (!line[at])
		snprintf(name, size, "[anon]");
	else if (!strcmp(line + at, "/dev/zero (deleted)"))
		snprintf(name, size, "[anon_shmem]");
	else
		snprintf(name, size, "%s", line + at);
	return true;
}

/* Pages of a file can be dropped and read again, unless they are locked. */
static bool is_kept(const char *name, const char *flags)
{
	static const char *const in_memory[] = { "[", "/memfd:", "/SYSV", "/dev/shm/" };

	for (size_t i = 0; i < ARRAY_SIZE(in_memory); i++)
		if (!strncmp(name, in_memory[i], strlen(in_memory[i])))
			return true;
	return strstr(flags, " lo") != NULL;
}

int referenced_parse(FILE *smaps, struct mapping_use *use, mapping_use_fn on_use, void *context)
{
	char line[4096 + 128], name[4096 + 128] = "";
	int result = 0;

	errno = 0;
	while (!result && fgets(line, sizeof(line), smaps)) {
		uint64_t kib;

		if (begins_mapping(line, name, sizeof(name)))
			use->resident_bytes = use->referenced_bytes = 0;
		else if (sscanf(line, "Rss: %" SCNu64, &kib) == 1)
			use->resident_bytes = kib << 10;
		else if (sscanf(line, "Referenced: %" SCNu64, &kib) == 1)
			use->referenced_bytes = kib << 10;
		else if (!strncmp(line, "VmFlags:", 8) && use->resident_bytes &&
			 is_kept(name, line)) { /* the last line of each */
			use->mapping = name;
			result = on_use(context, use);
		}
	}
	if (result)
		return result;
	if (ferror(smaps))
		return -(errno ?: EIO); /* ESRCH: it has no memory any more */
	return *name ? 0 : -ESRCH;
}

int referenced_end(struct referenced *referenced, mapping_use_fn on_use, void *context)
{
	return referenced_parse(referenced->smaps, &referenced->use, on_use, context);
}
