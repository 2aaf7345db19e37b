// SPDX-License-Identifier: GPL-2.0-only
#include "verdict/findings_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/losses.h"

/* Beyond, nothing is kept of new processes. 4 MiB. */
#define RESIDENTS_MAX 8192
/* No rule applies below 32 MiB, so few processes need a closer look in a tick. */
#define LEAST_FAULTS 8192
#define LEAST_MAJOR 64
#define LEAST_VSZ (1UL << 30)
/* With so much in one interval a process is worth a look at its rows, its forks or its limit. */
#define BUSY_FAULTS 1024
/* Closer looks in a tick, and rows in each. */
#define LOOKS_MAX 8
#define ROWS_MAX 1024
/* Where the Go runtime puts the heap first on 64-bit machines (src/runtime/malloc.go:
 * mallocinit()), and how far it grows from there without a hole. */
#define GO_BEGIN 0xc000000000UL
#define GO_END 0xe000000000UL

void residents_init(struct residents *residents, findings_limit_fn limit_of)
{
	table_init(&residents->table, 0, offsetof(struct resident, peak_rss));
	residents->limit_of = limit_of;
}

void residents_clear(struct residents *residents)
{
	table_clear_values(&residents->table, free);
}

const struct resident *residents_find(const struct residents *residents, uint64_t tgid,
				      uint64_t start_ns)
{
	const struct resident key = { .tgid = tgid, .start_ns = start_ns };

	return table_get(&residents->table, &key);
}

static bool may_matter(const struct process *process)
{
	return process->minor + process->gup >= LEAST_FAULTS || process->major >= LEAST_MAJOR ||
	       max_of(process->vsz_bytes, process->peak_vsz_bytes) >= LEAST_VSZ;
}

/* Finds the process, or adds it. NULL: no room, or out of memory (*ret_result is -ENOMEM). */
static struct resident *resident_of(struct residents *residents, const struct process *process,
				    int *ret_result)
{
	const struct resident key = { .tgid = process->tgid,
				      .start_ns = process->start_ns,
				      .limit_bytes = UINT64_MAX };
	struct resident *resident = table_get(&residents->table, &key);

	*ret_result = 0;
	if (resident || residents->table.count >= RESIDENTS_MAX)
		return resident;
	resident = table_add_copy(&residents->table, &key, sizeof(key));
	*ret_result = resident ? 0 : -ENOMEM;
	return resident;
}

/* The allocator. ------------------------------------------------------------------------------- */

/* Names of mappings and of files of code; the first in this list that a process has decides. Every
 * process has the C library, whatever allocates, so that comes last. */
static const struct {
	const char *part;
	enum allocator allocator;
} marks[] = {
	{ "[anon: Go:", ALLOCATOR_GO },           { "[anon:Go:", ALLOCATOR_GO },
	{ "[anon:jemalloc", ALLOCATOR_JEMALLOC }, { "/libjemalloc", ALLOCATOR_JEMALLOC },
	{ "/libtcmalloc", ALLOCATOR_TCMALLOC },   { "/libmimalloc", ALLOCATOR_MIMALLOC },
	{ "/libjvm.so", ALLOCATOR_JAVA },         { "/ld-musl-", ALLOCATOR_MUSL },
	{ "/libc.so.6", ALLOCATOR_GLIBC },        { "/libc-2.", ALLOCATOR_GLIBC },
};

/* ARRAY_SIZE(marks): none. */
static size_t mark_of(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(marks) && !strstr(name, marks[i].part))
		i++;
	return i;
}

static bool is_of_go(const struct row *row)
{
	return row->map_start >= GO_BEGIN && row->map_end <= GO_END &&
	       !strncmp(row->mapping, "[anon", 5) && row->perms[1] == 'w';
}

/* By the row's mapping, and by the code that faults there, where that is known. */
static size_t mark_of_row(const struct row *row)
{
	size_t mark = is_of_go(row) ? 0 : mark_of(row->mapping);

	for (size_t i = 0; row->context && i < row->context->n_places; i++) {
		size_t of_code = mark_of(row->context->places[i].file);

		mark = of_code < mark ? of_code : mark;
	}
	return mark;
}

static void look_for_allocator(struct resident *resident, const struct process *process)
{
	size_t mark = ARRAY_SIZE(marks), n_seen = 0;

	resident->n_rows = process->n_rows;
	for (const struct row *row = process->rows; row && n_seen < ROWS_MAX;
	     row = row->next, n_seen++) {
		size_t of_row = mark_of_row(row);

		mark = of_row < mark ? of_row : mark;
	}
	if (mark < ARRAY_SIZE(marks))
		resident->allocator = marks[mark].allocator;
}

/* Forks. --------------------------------------------------------------------------------------- */

/* A child of the same name runs the same program, so it still shares memory. Of several, takes the
 * one that lived longest. */
static bool is_better(const struct process *left, const struct process *right, const char *comm)
{
	bool is_left = !strcmp(left->comm, comm), is_right = right && !strcmp(right->comm, comm);

	if (!right || is_left != is_right)
		return !right || is_left;
	if (left->ended != right->ended)
		return right->ended;
	return left->lifetime_ns > right->lifetime_ns;
}

static void note_fork(struct shared_fork *fork, const struct process *parent,
		      const struct process *child)
{
	*fork = (struct shared_fork){ .parent = parent->tgid,
				      .child = child->tgid,
				      .has_ended = child->ended,
				      .lived_ns = child->lifetime_ns };
	memcpy(fork->parent_comm, parent->comm, COMM_LEN);
	memcpy(fork->child_comm, child->comm, COMM_LEN);
}

/* A process that copies pages has forked or was forked: looks for a child, else for its parent. If a
 * child was found in an earlier tick, its parent is not looked for. */
static void look_for_fork(struct resident *resident, const struct process *process,
			  const struct snapshot *snapshot)
{
	const struct process *child = NULL, *parent = NULL;
	bool has_forked = resident->fork.child && resident->fork.parent == process->tgid;

	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct process *other = snapshot->processes[i];

		if (other->ppid == process->tgid && other->accounted && other->tgid &&
		    is_better(other, child, process->comm))
			child = other;
		if (other->tgid == process->ppid && other->tgid)
			parent = other;
	}
	if (child && (!strcmp(child->comm, process->comm) || !process->accounted))
		note_fork(&resident->fork, process, child);
	else if (parent && process->accounted && !has_forked)
		note_fork(&resident->fork, parent, process);
	else if (child)
		note_fork(&resident->fork, process, child);
}

/* A tick. -------------------------------------------------------------------------------------- */

static void ask_for_limit(const struct residents *residents, const struct process *process,
			  struct resident *resident)
{
	resident->has_asked_limit = true;
	if (residents->limit_of)
		resident->limit_bytes = residents->limit_of(process, resident->limit_file,
							    sizeof(resident->limit_file));
}

/* Pages that the kernel filled without an exception, in rows and not. */
static uint64_t populated_pages(const struct process *process)
{
	uint64_t pages = process->gup - process->gup_before;

	for (const struct row *row = process->rows; row; row = row->next)
		if (row->kind == KIND_POPULATE)
			pages += row_delta(row).pages;
	return pages;
}

/* 0 or -ENOMEM. */
static int note_process(struct residents *residents, const struct process *process, size_t *looks)
{
	uint64_t rss = max_of(process->rss_bytes, process->peak_rss_bytes);
	uint64_t populated = populated_pages(process);
	struct resident *resident;
	int result = 0;

	if (!rss && !populated)
		return 0;
	resident = resident_of(residents, process, &result);
	if (!resident)
		return result;
	resident->peak_rss = max_of(resident->peak_rss, rss);
	resident->populated += populated;
	resident->is_whole |= process->accounted;
	snprintf(resident->cgroup, sizeof(resident->cgroup), "%s", process->cgroup ?: "");
	if (process->minor - process->minor_before >= BUSY_FAULTS &&
	    resident->allocator <= ALLOCATOR_GLIBC && resident->n_rows != process->n_rows &&
	    (*looks)++ < LOOKS_MAX)
		look_for_allocator(resident, process);
	if (process->major >= LEAST_MAJOR && process->major != process->major_before &&
	    !resident->has_asked_limit && /* however slow the disk is */
	    (*looks)++ < LOOKS_MAX)
		ask_for_limit(residents, process, resident);
	return 0;
}

/* A child may end after the last copy. */
static void note_end(struct residents *residents, const struct process *child)
{
	struct resident *resident;
	size_t cursor = 0;

	residents->has_living = false;
	while ((resident = table_next(&residents->table, &cursor))) {
		struct shared_fork *fork = &resident->fork;

		if (fork->child == child->tgid && !fork->has_ended) {
			fork->has_ended = true;
			fork->lived_ns = child->lifetime_ns;
		}
		residents->has_living |= fork->child && !fork->has_ended;
	}
}

static void note_copies(struct residents *residents, const struct snapshot *snapshot)
{
	size_t looks = 0;

	for (size_t i = 0; i < snapshot->n_touched && looks < LOOKS_MAX; i++) {
		const struct row *row = snapshot->rows[i];
		struct resident key = {}, *resident;

		if (row->kind != KIND_COW || row_delta(row).minor < BUSY_FAULTS)
			continue;
		key.tgid = row->process->tgid;
		key.start_ns = row->process->start_ns;
		resident = table_get(&residents->table, &key);
		if (!resident)
			continue;
		looks++;
		look_for_fork(resident, row->process, snapshot);
		residents->has_living |= resident->fork.child && !resident->fork.has_ended;
	}
}

int residents_tick(struct residents *residents, const struct snapshot *snapshot)
{
	size_t looks = 0;
	int result = 0;

	for (size_t i = 0; i < snapshot->n_processes && !result; i++)
		if (may_matter(snapshot->processes[i]) && !losses_is_other(snapshot->processes[i]))
			result = note_process(residents, snapshot->processes[i], &looks);
	for (size_t i = 0; i < snapshot->n_processes && residents->has_living; i++)
		if (snapshot->processes[i]->ended)
			note_end(residents, snapshot->processes[i]);
	if (!result)
		note_copies(residents, snapshot);
	return result;
}
