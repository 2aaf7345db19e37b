// SPDX-License-Identifier: GPL-2.0-only
#include "collect/guard.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/cgroups.h"
#include "collect/collector_kernel_data.h"
#include "model/kinds.h"

struct guard {
	struct kernel *kernel;
	const struct names *names;
	const struct contexts *contexts;
	const struct option_list *units; /* NULL: not by unit */
	struct ring_buffer *ring;
	collector_guard_fn callback; /* while it is read */
	void *context;
	int result;
};

/* Guarded processes. --------------------------------------------------------------------------- */

static int add(const struct guard *guard, uint32_t what, uint64_t id)
{
	struct guard_key key = { .what = what, .id = id };
	uint32_t one = 1;

	return bpf_map_update_elem(bpf_map__fd(guard->kernel->skeleton->maps.guarded), &key, &one,
				   BPF_ANY);
}

/* Called for each cgroup of the units. */
static int add_cgroup(void *context, uint64_t id)
{
	return add(context, GUARD_CGROUP, id);
}

int guard_find(struct guard *guard, struct error *error)
{
	int result = guard->units ? cgroups_of_units(guard->units, add_cgroup, guard) : 0;

	return result < 0 ? error_set(error, -result, "looking for the cgroups of the units: %s",
				      result == -E2BIG ? "there are too many" : strerror(-result)) :
			    result;
}

/* 0 or a negative errno. */
static int add_named(struct guard *guard, const struct guard_options *options)
{
	int result = 0;

	for (size_t i = 0; i < options->n_tids && !result; i++)
		result = add(guard, GUARD_THREAD, (uint64_t)options->tids[i]);
	for (size_t i = 0; i < options->n_tgids && !result; i++)
		result = add(guard, GUARD_PROCESS, (uint64_t)options->tgids[i]);
	return result;
}

/* Faults. -------------------------------------------------------------------------------------- */

/* The wall clock's time of one of CLOCK_BOOTTIME. */
static struct timespec wall_time(uint64_t boot_ns)
{
	struct timespec boot, wall;
	uint64_t now_ns, wall_ns;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	now_ns = (uint64_t)boot.tv_sec * 1000000000 + (uint64_t)boot.tv_nsec;
	wall_ns = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec;
	wall_ns -= now_ns > boot_ns ? now_ns - boot_ns : 0;
	return (struct timespec){ .tv_sec = (time_t)(wall_ns / 1000000000),
				  .tv_nsec = (long)(wall_ns % 1000000000) };
}

static const char *outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[GUARD_MINOR] = "minor", [GUARD_MAJOR] = "major", [GUARD_DENIED] = "denied"
	};

	return outcome <= GUARD_DENIED ? names[outcome] : "?";
}

/* What a fault refers to was in the other ring before it was in this one; NULL: no memory. */
static const char *name_of(struct guard *guard, const struct guard_record *record)
{
	enum mapping_class class = MODE_CLASS_CLASS(record->key.mode_class);
	uint64_t id = record->key.name_id;
	bool known;
	const char *name = names_of_mapping(guard->names, class, id, record->uid, &known);

	if (known || kernel_drain(guard->kernel))
		return name;
	return names_of_mapping(guard->names, class, id, record->uid, &known);
}

/* NULL: there is none, or it was lost. */
static const struct context *context_of(struct guard *guard, uint64_t id)
{
	const struct context *context = contexts_find(guard->contexts, id);

	if (context || !id || kernel_drain(guard->kernel))
		return context;
	return contexts_find(guard->contexts, id);
}

/* 0, or what the callback said. */
static int tell(struct guard *guard, const struct guard_record *record)
{
	const struct row_key *key = &record->key;
	char comm[COMM_LEN + 1] = "", thread[COMM_LEN + 1] = "";
	struct guard_fault fault = {
		.ts = wall_time(record->now_ns),
		.tgid = key->tgid,
		.tid = record->tid,
		.start_ns = key->start_ns,
		.comm = comm,
		.thread = thread,
		.mapping = name_of(guard, record),
		.map_start = record->extent.start,
		.map_end = record->extent.end,
		.address = record->address,
		.kind = kind_name(key->kind),
		.access = access_name(key->access),
		.mode = mode_name(MODE_CLASS_MODE(key->mode_class)),
		.outcome = outcome_name(record->outcome),
		.latency_ns = record->stall_ns,
		.by_cause = record->has_causes ? record->by_cause : NULL,
		.context = context_of(guard, key->context),
	};

	if (!fault.mapping)
		return -ENOMEM;
	memcpy(comm, record->comm, COMM_LEN);
	memcpy(thread, record->thread, COMM_LEN);
	return guard->callback(guard->context, &fault);
}

/* Reading the ring continues whatever this returns, so errors are kept for later. */
static int take(void *context, void *data, size_t size)
{
	struct guard *guard = context;

	if (!guard->result)
		guard->result = size < sizeof(struct guard_record) ? -EBADMSG : tell(guard, data);
	return 0;
}

int guard_read(struct guard *guard, collector_guard_fn callback, void *context, struct error *error)
{
	int result;

	guard->callback = callback;
	guard->context = context;
	guard->result = 0;
	result = kernel_drain(guard->kernel);
	if (!result)
		result = ring_buffer__consume(guard->ring);
	if (result >= 0)
		result = guard->result;
	return result < 0 ? error_set(error, -result, "reading the faults of guarded threads: %s",
				      strerror(-result)) :
			    0;
}

int guard_fd(const struct guard *guard)
{
	return ring_buffer__epoll_fd(guard->ring);
}

uint64_t guard_lost(const struct guard *guard)
{
	return guard->kernel->skeleton->bss->guard_lost;
}

/* Life. ---------------------------------------------------------------------------------------- */

static int open_ring(struct guard *guard, struct error *error)
{
	guard->ring = ring_buffer__new(bpf_map__fd(guard->kernel->skeleton->maps.guard_ring), take,
				       guard, NULL);
	return guard->ring ? 0 :
			     error_set(error, errno, "opening the ring of guarded faults: %s",
				       strerror(errno));
}

static int set_up(struct guard *guard, const struct guard_options *options, struct error *error)
{
	int result = open_ring(guard, error);

	if (result)
		return result;
	result = add_named(guard, options);
	if (result)
		return error_set(error, -result, "telling the kernel side who is guarded: %s",
				 strerror(-result));
	result = guard_find(guard, error);
	if (result < 0)
		return result;
	return guard->units && !result ? error_set(error, ESRCH,
						   "the unit that is to be guarded has no cgroup; "
						   "start it first, or look at systemd-cgls") :
					 0;
}

int guard_new(struct guard **ret_guard, struct kernel *kernel, const struct names *names,
	      const struct contexts *contexts, const struct guard_options *options,
	      struct error *error)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int result;

	if (!guard)
		return error_set(error, ENOMEM, "out of memory");
	guard->kernel = kernel;
	guard->names = names;
	guard->contexts = contexts;
	guard->units = options->units && options->units->count ? options->units : NULL;
	result = set_up(guard, options, error);
	if (result)
		guard_free(guard);
	else
		*ret_guard = guard;
	return result;
}

void guard_free(struct guard *guard)
{
	if (!guard)
		return;
	ring_buffer__free(guard->ring);
	free(guard);
}
