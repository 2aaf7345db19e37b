/* SPDX-License-Identifier: GPL-2.0-only */
/* Snapshots made by hand, for the tests of sinks. */
#ifndef FAULTMAP_TEST_PICTURE_H
#define FAULTMAP_TEST_PICTURE_H

#include <string.h>

#include "model/snapshot.h"

#define MIB (1024 * 1024UL)

static struct process *add_process(struct snapshot *snapshot, uint32_t tgid, const char *comm,
				   uint64_t vsz_bytes, uint64_t rss_bytes)
{
	struct process *process = snapshot_process(snapshot, tgid, tgid * 1000UL, NULL);

	assert_non_null(process);
	strncpy(process->comm, comm, COMM_LEN - 1);
	process->cgroup = snapshot_intern(snapshot, "/");
	process->vsz_bytes = process->peak_vsz_bytes = vsz_bytes;
	process->rss_bytes = process->peak_rss_bytes = rss_bytes;
	return process;
}

/* A row of `size` bytes at id << 20, whose faults by now are `minor` (one page each) and `major`;
 * the process's own totals get what the row gained. */
static struct row *add_row(struct snapshot *snapshot, struct process *process, uint64_t id,
			   const char *mapping, const char *perms, enum fault_kind kind,
			   enum fault_access access, uint64_t size, uint64_t minor, uint64_t major)
{
	struct row *row = snapshot_row(snapshot, process, id, kind, access, MODE_USER, NULL);

	assert_non_null(row);
	process->minor += minor - row->now.minor;
	process->major += major - row->now.major;
	row->mapping = snapshot_intern(snapshot, mapping);
	strcpy(row->perms, perms);
	row->map_start = 0x7f0000000000 + (id << 20);
	row->map_end = row->map_start + size;
	row->now = (struct fault_counts){ minor, major, row->now.denied, minor + major };
	return row;
}

/* 2026-11-22T10:08:56.123Z, an interval of two seconds. */
static void seal(struct snapshot *snapshot, uint64_t tick)
{
	snapshot->tick = tick;
	snapshot_seal(snapshot, (struct timespec){ 1795342136, 123456789 }, 2000000000);
}

#endif
