// SPDX-License-Identifier: GPL-2.0-only
#include "collect/collector_kernel_data.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

int kernel_run(const struct bpf_program *program, uint64_t arguments[], uint32_t count)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = arguments,
		    .ctx_size_in = count * sizeof(arguments[0]));

	return bpf_prog_test_run_opts(bpf_program__fd(program), &options) ?: (int)options.retval;
}

/* Whether there is a swap area: /proc/swaps has a line for each, below its heading. */
static bool has_swap(int swaps_fd)
{
	char text[512];
	ssize_t size = pread(swaps_fd, text, sizeof(text), 0);
	const char *heading_end = size > 0 ? memchr(text, '\n', size) : NULL;

	return !heading_end || heading_end + 1 < text + size;
}

int kernel_attach_swap_hook(struct kernel *kernel, struct refusal *ret_refusal)
{
	if (kernel->swaps_fd >= 0 && !has_swap(kernel->swaps_fd))
		return 0;
	if (kernel->swaps_fd >= 0)
		close(kernel->swaps_fd);
	kernel->swaps_fd = -1;
	return hooks_attach_swap(kernel->hooks, ret_refusal);
}

size_t kernel_programs(const struct kernel *kernel, struct program_stats *programs, size_t max)
{
	struct bpf_program *program;
	size_t count = 0;

	bpf_object__for_each_program(program, kernel->skeleton->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (count == max)
			break;
		if (!bpf_program__autoload(program) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		programs[count++] = (struct program_stats){
			.name = bpf_program__name(program),
			.runs = info.run_cnt,
			.run_ns = info.run_time_ns,
			.missed = info.recursion_misses,
		};
	}
	return count;
}

const struct cpu_state *kernel_cpu_states(const struct kernel *kernel, size_t *ret_count)
{
	*ret_count = kernel->n_cpus;
	return kernel->cpu_states;
}

const struct stall_path *kernel_stall_paths(const struct kernel *kernel)
{
	return kernel->skeleton->bss->stall_paths;
}

bool kernel_has_populate(const struct kernel *kernel)
{
	return hooks_has(kernel->hooks, "populate_lock");
}

/* A daemon that gave up its capabilities may not open events on a CPU that comes online later.
 * Faults there are counted all the same, see fault_resolve() in bpf/row.bpf.h. */
int kernel_perf_counts(struct kernel *kernel, struct perf_counts *ret_counts)
{
	struct error error;
	int result;

	if (!kernel->perf_events)
		return -ENODATA;
	result = perf_events_renew(kernel->perf_events, &error);
	if (result && !kernel->perf_refused) {
		log_warning("a CPU came online: %s: %s; continuing without latencies and exact "
			    "kinds of faults there until a restart",
			    error.text, strerror(-result));
		kernel->perf_refused = true;
	}
	return kernel->counts_others ? -ENODATA : perf_events_read(kernel->perf_events, ret_counts);
}

static bool huge_pages_always(void)
{
	autofclose FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[64];

	return file && fgets(line, sizeof(line), file) && strstr(line, "[always]");
}

void kernel_watch_huge_pages(struct kernel *kernel)
{
	kernel->skeleton->bss->huge_pages_always = huge_pages_always();
}

void kernel_watch_refaults(struct kernel *kernel)
{
	struct refusal refusal;

	if (!kernel->watches_refaults)
		return;
	if (!refault_watch_look(&kernel->refault_watch, monotonic_ns())) {
		hooks_detach_refaults(kernel->hooks);
	} else if (hooks_attach_refaults(kernel->hooks, &refusal)) {
		log_warning("%s: %s: continuing; no row has refaults", refusal.what,
			    strerror(refusal.why));
		kernel->watches_refaults = false;
	}
}

/* How often to try again to interrupt a CPU that runs a fault's program, which takes
 * microseconds. */
#define FLUSH_TRIES 20

int kernel_flush_cpu(const struct kernel *kernel, size_t number)
{
	const struct bpf_program *program = kernel->skeleton->progs.flush_run;
	uint64_t argument = number;
	LIBBPF_OPTS(bpf_test_run_opts, on, .ctx_in = &argument, .ctx_size_in = sizeof(argument),
		    .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = (int)number);
	int result = FLUSH_BUSY;

	for (int i = 0; result == FLUSH_BUSY && i < FLUSH_TRIES; i++)
		result = bpf_prog_test_run_opts(bpf_program__fd(program), &on) ?: (int)on.retval;
	/* Nothing runs on a CPU that is offline: its runs can be closed from here. */
	return result == -ENXIO ? kernel_run(program, &argument, 1) : result;
}

int kernel_flush(struct kernel *kernel)
{
	for (size_t cpu = 0; cpu < kernel->n_cpus; cpu++) {
		int result;

		/* Even a run that no further fault can join may have a fault to write. */
		if (!__atomic_load_n(&kernel->cpu_states[cpu].run.mm, __ATOMIC_RELAXED) &&
		    !__atomic_load_n(&kernel->cpu_states[cpu].run.count, __ATOMIC_RELAXED) &&
		    !__atomic_load_n(&kernel->cpu_states[cpu].done.minor, __ATOMIC_RELAXED))
			continue;
		result = kernel_flush_cpu(kernel, cpu);
		if (result < 0)
			return result;
	}
	return 0;
}

int kernel_quiesce(struct kernel *kernel)
{
	for (size_t cpu = 0; cpu < kernel->n_cpus; cpu++) {
		int result = kernel_flush_cpu(kernel, cpu);

		if (result)
			return result < 0 ? result : -EAGAIN;
	}
	return 0;
}

/* FORGET_MAX at most. */
static int forget_some(struct kernel *kernel, uint32_t *indexes, uint32_t count, size_t *ret_count)
{
	int result;

	*ret_count = 0;
	row_table_set_forget(kernel->rows, indexes, count);
	result = kernel_run(kernel->skeleton->progs.forget_rows, NULL, 0);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = indexes[i];

		if (!row_table_has_forgotten(kernel->rows, i))
			continue;
		indexes[i] = indexes[*ret_count];
		indexes[(*ret_count)++] = index;
	}
	return result;
}

int kernel_forget_rows(struct kernel *kernel, uint32_t *indexes, size_t count, size_t *ret_count)
{
	int result = 0;

	*ret_count = 0;
	for (size_t at = 0; !result && at < count;) {
		size_t rest = count - at, some = rest < FORGET_MAX ? rest : FORGET_MAX, done;

		result = forget_some(kernel, indexes + at, some, &done);
		*ret_count += done;
		at += some;
		if (done < some) /* the others stay; the caller tries again later */
			break;
	}
	return result;
}

struct row_table *kernel_rows(const struct kernel *kernel)
{
	return kernel->rows;
}

/*
 * Reads an iterator to its end; each record of `size` bytes (or of its own size if 0) is passed on.
 */
static int read_iterator(struct bpf_link *link, size_t size, kernel_record_fn callback,
			 void *context)
{
	autoclose int fd = bpf_iter_create(bpf_link__fd(link));
	_Alignas(8) char buffer[65536];
	size_t have = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, buffer + have, sizeof(buffer) - have);
		size_t at = 0;

		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		for (have += got; have - at >= size; at += size) {
			int result = callback(context, (void *)(buffer + at), size);

			if (result)
				return result;
		}
		have -= at;
		memmove(buffer, buffer + at, have);
	}
}

bool kernel_lists_all(const struct kernel *kernel)
{
	return !kernel->walk_list;
}

/* The most runs for one listing, each of WALK_MAX records or a millisecond: more than any list
 * takes. */
#define WALK_RUNS 65536

/* Passes on what one run has found. enum tasks_told, or a negative errno. */
static int walk_on(struct kernel *kernel, uint64_t arguments[WALK_ARGUMENTS],
		   kernel_record_fn callback, void *context)
{
	const struct walk_list *list = kernel->walk_list;
	int told = kernel_run(kernel->walk, arguments, WALK_ARGUMENTS), result = 0;

	for (uint64_t i = 0; told >= 0 && !result && i < list->count; i++)
		result = callback(context, &list->records[i].record, sizeof(list->records[i]));
	arguments[2] = list->next;
	arguments[3] = list->next_start;
	return result ?: told;
}

static int walk_tasks(struct kernel *kernel, uint64_t listing, uint64_t generation,
		      kernel_record_fn callback, void *context)
{
	uint64_t arguments[WALK_ARGUMENTS] = { listing, generation };
	int result = TASKS_MORE;

	for (int run = 0; result == TASKS_MORE && run < WALK_RUNS; run++)
		result = walk_on(kernel, arguments, callback, context);
	if (result == TASKS_MORE)
		return -EAGAIN;
	return result == TASKS_BROKEN ? -EIO : result;
}

int kernel_each_task(struct kernel *kernel, uint64_t listing, uint64_t generation,
		     kernel_record_fn callback, void *context)
{
	if (kernel->walk_list)
		return walk_tasks(kernel, listing, generation, callback, context);
	return read_iterator(hooks_tasks_link(kernel->hooks), sizeof(struct task_record), callback,
			     context);
}

void kernel_on_record(struct kernel *kernel, kernel_record_fn callback, void *context)
{
	kernel->on_record = callback;
	kernel->on_record_context = context;
}

int kernel_drain(struct kernel *kernel)
{
	int result = ring_buffer__consume(kernel->ring);
	struct refusal refusal;

	if (result >= 0 && kernel->samples)
		result = ring_buffer__consume(kernel->samples);

	if (kernel->swaps_fd >= 0 && kernel_attach_swap_hook(kernel, &refusal))
		log_warning("%s: %s: continuing; pages that are found in the swap cache are shown "
			    "as demand_zero",
			    refusal.what, strerror(refusal.why));

	return result < 0 ? result : 0;
}

int kernel_drain_names(struct kernel *kernel)
{
	int result = ring_buffer__consume(kernel->ring);

	return result < 0 ? result : 0;
}

int kernel_fd(const struct kernel *kernel)
{
	return ring_buffer__epoll_fd(kernel->ring);
}

void kernel_set_stacks_wait(struct kernel *kernel, bool wait)
{
	kernel->skeleton->bss->stacks_wait = wait;
}

void kernel_set_names_generation(struct kernel *kernel, uint32_t generation)
{
	kernel->skeleton->bss->names_generation = generation;
}

int kernel_follow(struct kernel *kernel, pid_t tgid)
{
	struct process_key key = { .start_ns = 0, .tgid = (uint32_t)tgid };
	uint32_t one = 1;
	int result = bpf_map_update_elem(bpf_map__fd(kernel->skeleton->maps.followed), &key, &one,
					 BPF_ANY);

	kernel->skeleton->bss->follow_changes++; /* CPUs may remember it as ignored */
	return result;
}

void kernel_unfollow(struct kernel *kernel, uint32_t tgid, uint64_t start_ns)
{
	struct process_key key = { .start_ns = start_ns, .tgid = tgid };

	bpf_map_delete_elem(bpf_map__fd(kernel->skeleton->maps.followed), &key);
	key.start_ns = 0; /* of kernel_follow */
	if (kernel->skeleton->rodata->config_attach)
		bpf_map_delete_elem(bpf_map__fd(kernel->skeleton->maps.followed), &key);
}
