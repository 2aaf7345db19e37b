// SPDX-License-Identifier: GPL-2.0-only
/* Takes the programs into the kernel, without what it refuses of them, and out again. */
#include "collect/collector_kernel_data.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "collect/cgroups.h"
#include "base/log.h"
#include "base/util.h"
#include "collect/memory.h"
#include "collect/object.h"

/* Shows libbpf's own messages with -v -v only: ours explain what they mean. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text = NULL;

	if (level == LIBBPF_DEBUG || log_get_level() < LOG_LEVEL_DEBUG)
		return 0;
	if (vasprintf(&text, format, arguments) < 0)
		return 0;
	log_debug("%s", text);
	free(text);
	return 0;
}

static bool has(const struct feature_set *features, enum feature feature)
{
	return features->state[feature].available;
}

/* Some 1,000 faults. A program that is meant to have none has no more before the ring is read. */
#define GUARD_RING_BYTES (256 * 1024)

/* A list of free indexes in lines: a power of two of them. */
static uint32_t index_lines_of(uint32_t count)
{
	uint32_t lines = 1;

	while (lines * INDEXES_IN_LINE < count)
		lines *= 2;
	return lines;
}

/* The maps that only the object for old kernels has, or only the others have. */
static void set_sizes_of_object(struct kernel *kernel, const struct map_sizes *sizes, bool old)
{
	struct bpf_object *object = kernel->skeleton->obj;
	const struct {
		const char *name;
		uint32_t entries;
	} of_new[] = {
		{ "task_owners", sizes->tasks / TASKS_IN_LINE },
		{ "free_row_lines", index_lines_of(sizes->rows) },
		{ "free_latency_lines", index_lines_of(sizes->latencies) },
	}, of_old[] = {
		{ "claims", sizes->tasks },
		{ "free_row_lines", sizes->rows },
	};

	for (size_t i = 0; i < ARRAY_SIZE(of_new) && !old; i++)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(object, of_new[i].name),
					 of_new[i].entries);
	for (size_t i = 0; i < ARRAY_SIZE(of_old) && old; i++)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(object, of_old[i].name),
					 of_old[i].entries);
}

/* Index 0 of rows and latencies stands for none. */
static int set_sizes(struct kernel *kernel, const struct collector_options *options, bool old,
		     bool causes)
{
	struct faultmap_bpf *skeleton = kernel->skeleton;
	struct map_sizes sizes = map_sizes_of(options->max_rows, options->detail == DETAIL_FULL,
					      old, options->follow || options->n_attach,
					      kernel->n_cpus);

	kernel->sizes = sizes;
	kernel->has_causes = causes;
	skeleton->rodata->config_rows = sizes.rows;
	skeleton->rodata->config_latencies = sizes.latencies;
	skeleton->rodata->config_row_lines_mask = index_lines_of(sizes.rows) - 1;
	skeleton->rodata->config_latency_lines_mask = index_lines_of(sizes.latencies) - 1;
	skeleton->rodata->config_task_lines_mask = sizes.tasks / TASKS_IN_LINE - 1;
	bpf_map__set_max_entries(skeleton->maps.rows, sizes.rows);
	bpf_map__set_max_entries(skeleton->maps.row_keys, sizes.rows + 1);
	bpf_map__set_max_entries(skeleton->maps.row_values, sizes.rows + 1);
	bpf_map__set_max_entries(skeleton->maps.rows_moved, sizes.rows / ROWS_IN_LINE + 1);
	bpf_map__set_max_entries(skeleton->maps.latencies, sizes.latencies + 1);
	bpf_map__set_max_entries(skeleton->maps.stall_causes, causes ? sizes.latencies + 1 : 1);
	bpf_map__set_max_entries(skeleton->maps.task_faults, sizes.tasks);
	bpf_map__set_max_entries(skeleton->maps.anchors, sizes.anchors);
	bpf_map__set_max_entries(skeleton->maps.followed, sizes.followed);
	set_sizes_of_object(kernel, &sizes, old);
	return bpf_map__set_max_entries(skeleton->maps.cpu_states, kernel->n_cpus);
}

/* The maps for copies of stacks, which the object for old kernels has not. */
static int size_samples(struct bpf_object *object)
{
	static const struct {
		const char *name;
		uint32_t entries;
	} maps[] = { { "stack_samples", STACK_SAMPLES_BYTES },
		     { "stacks_sampled", STACKS_SAMPLED },
		     { "areas_sent", AREAS_SENT } };
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(maps) && !result; i++)
		result =
			bpf_map__set_max_entries(bpf_object__find_map_by_name(object, maps[i].name),
						 maps[i].entries);
	return result;
}

/* The processes whose program is remembered until they end, where it is asked for: 0.7 MiB. */
#define RUN_PROGRAMS 8192

/* What a row's key has beside its mapping and kind; where nothing asks for it, it costs nothing. */
static int configure_contexts(struct kernel *kernel, const struct collector_options *options)
{
	struct faultmap_bpf *skeleton = kernel->skeleton;
	bool has_context = options->threads || options->code;
	uint32_t key_size = has_context ? sizeof(struct row_key) : ROW_KEY_PLAIN;
	uint64_t secret = 0;
	bool has_programs = options->wants_exe || options->wants_command;
	int result = (has_context || has_programs) && getrandom(&secret, sizeof(secret), 0) < 0 ?
			     -errno :
			     0;

	skeleton->rodata->config_secret = secret;
	if (!result && has_programs)
		result = bpf_map__set_max_entries(skeleton->maps.programs, RUN_PROGRAMS);
	if (!result && kernel->sample_every)
		result = size_samples(skeleton->obj);
	if (!result)
		result = bpf_map__set_key_size(skeleton->maps.rows, key_size);
	if (!result)
		result = bpf_map__set_value_size(skeleton->maps.row_keys, key_size);
	/* Linux 6.1 verifies the functions that use it whether they are called or not, so that it
	 * must be there. */
	if (!result && !has_context)
		result = bpf_map__set_max_entries(skeleton->maps.contexts_sent, 1);
	return result;
}

/* The ring needs a size of whole pages even if nobody is guarded. */
static int configure_guard(struct faultmap_bpf *skeleton, const struct guard_options *guard)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	int result = bpf_map__set_max_entries(skeleton->maps.guard_ring,
					      guard ? GUARD_RING_BYTES : page);

	return !guard || result ? result :
				  bpf_map__set_max_entries(skeleton->maps.guarded, GUARDED_MAX);
}

static int configure(struct kernel *kernel, const struct collector_options *options,
		     const struct feature_set *features)
{
	struct faultmap_bpf *skeleton = kernel->skeleton;
	int result = configure_contexts(kernel, options);

	if (!result)
		result = configure_guard(skeleton, options->guard);
	if (result)
		return result;
	skeleton->rodata->config_follow = options->follow || options->n_attach;
	skeleton->rodata->config_full = options->detail == DETAIL_FULL;
	skeleton->rodata->config_exit_with_mm = has(features, FEATURE_EXIT_WITH_MM);
	skeleton->rodata->config_cgroup_root = cgroups_root_id();
	skeleton->rodata->config_tlb_flush = has(features, FEATURE_TLB_FLUSH);
	if (options->slice_bytes)
		skeleton->rodata->config_slices_max = options->slices_max ?: SLICES_MAX;
	return set_sizes(kernel, options, object_is_old(features), has(features, FEATURE_SWITCHES));
}

/* The machine is short of something: no policy refused, and another try may succeed. But the
 * verifier, too, returns ENOMEM for a program that is too complex. */
static bool is_shortage(const struct refusal *refusal)
{
	int why = refusal->why;

	if (why == ENOMEM)
		return !strstr(refusal->what, "BPF_PROG_LOAD");
	return why == EMFILE || why == ENFILE || why == EINTR || why == EAGAIN;
}

static int refuse(struct refusal *refusal, enum feature feature, int why, const char *what)
{
	refusal->feature = feature;
	refusal->why = why;
	snprintf(refusal->what, sizeof(refusal->what), "%.*s", (int)sizeof(refusal->what) - 1,
		 what);
	return -why;
}

static int attach_perf_events(struct kernel *kernel, const struct collector_options *options,
			      struct refusal *ret_refusal)
{
	struct faultmap_bpf *skeleton = kernel->skeleton;
	/* An entry event may miss a fault: it is counted as it completes. */
	bool minor = skeleton->rodata->config_full || !skeleton->rodata->config_fault_entry;
	struct error error;
	int result = perf_events_open(&kernel->perf_events, kernel->n_cpus, options->follow,
				      skeleton->progs.fault_end, minor, &error);

	if (result)
		return refuse(ret_refusal, FEATURE_PERF_EVENTS, -result, error.text);
	hooks_add_name(kernel->hooks, "perf_event/page-faults-major");
	if (minor)
		hooks_add_name(kernel->hooks, "perf_event/page-faults-minor");
	return 0;
}

static int attach_entry_event(struct kernel *kernel, struct refusal *ret_refusal)
{
	struct error error;
	int result = perf_events_open_entry(kernel->perf_events,
					    kernel->skeleton->progs.fault_begin, &error);

	if (result)
		return refuse(ret_refusal, FEATURE_PERF_EVENTS, -result, error.text);
	hooks_add_name(kernel->hooks, "perf_event/page-faults");
	return 0;
}

/*
 * The hook that tells a page from the swap cache from a new one takes a tenth of the time of full
  * detail, and is only needed with swap. The kernel reports a new swap area through poll() on
  * /proc/swaps (swaps_poll(), mm/swapfile.c), which wakes the thread that waits for the ring.
 */
static int watch_swap(struct kernel *kernel, struct refusal *ret_refusal)
{
	struct epoll_event event = { .events = EPOLLPRI };
	int epoll_fd = ring_buffer__epoll_fd(kernel->ring);

	kernel->swaps_fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
	if (kernel->swaps_fd >= 0 &&
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, kernel->swaps_fd, &event) < 0)
		return refuse(ret_refusal, FEATURE_RSS_STAT, errno, "poll() on /proc/swaps");
	return kernel_attach_swap_hook(kernel, ret_refusal);
}

/* Of processes that are chosen, full detail has it from the first fault on. */
static int attach_refaults(struct kernel *kernel, const struct collector_options *options,
			   struct refusal *ret_refusal)
{
	bool chosen = options->follow || options->n_attach || options->guard;

	if (options->try_all || (options->detail == DETAIL_FULL && chosen))
		return hooks_attach_refaults(kernel->hooks, ret_refusal);
	kernel->watches_refaults = true;
	refault_watch_open(&kernel->refault_watch);
	return 0;
}

static int attach(struct kernel *kernel, const struct collector_options *options,
		  const struct feature_set *features, struct refusal *ret_refusal)
{
	bool at_once = options->try_all || !has(features, FEATURE_FAULT_ENTRY);
	int result = 0;

	if (has(features, FEATURE_PERF_EVENTS))
		result = attach_perf_events(kernel, options, ret_refusal);
	if (!result && hooks_has(kernel->hooks, "fault_rss"))
		result = at_once ? hooks_attach_swap(kernel->hooks, ret_refusal) :
				   watch_swap(kernel, ret_refusal);
	if (!result && hooks_has(kernel->hooks, "fault_refaults"))
		result = attach_refaults(kernel, options, ret_refusal);
	if (!result)
		result = hooks_attach(kernel->hooks, ret_refusal);
	if (!result && !has(features, FEATURE_FAULT_ENTRY))
		result = attach_entry_event(kernel, ret_refusal);
	if (result || !kernel->perf_events)
		return result;
	result = perf_events_start(kernel->perf_events);
	return result ? refuse(ret_refusal, FEATURE_PERF_EVENTS, -result,
			       "perf events: reading their counts") :
			0;
}

static int pass_on_record(void *context, void *data, size_t size)
{
	struct kernel *kernel = context;

	if (size < sizeof(struct record) || !kernel->on_record)
		return 0;
	return kernel->on_record(kernel->on_record_context, data, size);
}

/* -1 where this object has no such map. */
static int map_fd_of(struct kernel *kernel, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(kernel->skeleton->obj, name);

	return map ? bpf_map__fd(map) : -1;
}

static int map_rows(struct kernel *kernel, struct error *error)
{
	struct faultmap_bpf *skeleton = kernel->skeleton;
	struct row_table_parts parts = {
		.rows = kernel->sizes.rows,
		.latencies = kernel->sizes.latencies,
		.key_size = bpf_map__value_size(skeleton->maps.row_keys),
		.keys_fd = bpf_map__fd(skeleton->maps.row_keys),
		.values_fd = bpf_map__fd(skeleton->maps.row_values),
		.moved_fd = bpf_map__fd(skeleton->maps.rows_moved),
		.latencies_fd = bpf_map__fd(skeleton->maps.latencies),
		.causes_fd = kernel->has_causes ? bpf_map__fd(skeleton->maps.stall_causes) : -1,
		.shares_fd = bpf_map__fd(skeleton->maps.row_shares),
		.forget_fd = bpf_map__fd(skeleton->maps.rows_to_forget),
		.free_rows_fd = map_fd_of(kernel, "free_row_lines"),
		.free_latencies_fd = map_fd_of(kernel, "free_latency_lines"),
		.free_rows = &skeleton->bss->free_rows,
		.free_latencies = &skeleton->bss->free_latencies,
		.filling_told = &skeleton->bss->filling_told,
	};

	return row_table_open(&kernel->rows, &parts, error);
}

/* Where tasks are walked, and not listed by the iterator. */
static int map_walk_list(struct kernel *kernel, struct refusal *ret_refusal)
{
	void *memory;

	if (!hooks_has(kernel->hooks, "walk_tasks"))
		return 0;
	memory = mmap(NULL, sizeof(*kernel->walk_list), PROT_READ, MAP_SHARED,
		      map_fd_of(kernel, "walk_lists"), 0);
	if (memory == MAP_FAILED)
		return refuse(ret_refusal, FEATURE_TASK_WALK, errno, "walk_lists (array): mmap()");
	kernel->walk_list = memory;
	kernel->walk = bpf_object__find_program_by_name(kernel->skeleton->obj, "walk_tasks");
	return 0;
}

/* The thread that waits for the ring of records waits for this ring too. */
static int map_samples(struct kernel *kernel, struct refusal *ret_refusal)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = map_fd_of(kernel, "stack_samples");

	kernel->samples = ring_buffer__new(fd, pass_on_record, kernel, NULL);
	if (!kernel->samples)
		return refuse(ret_refusal, FEATURE_STACK_SAMPLES, errno,
			      "stack_samples (ringbuf): mmap()");
	if (epoll_ctl(ring_buffer__epoll_fd(kernel->ring), EPOLL_CTL_ADD, fd, &event) < 0)
		return refuse(ret_refusal, FEATURE_STACK_SAMPLES, errno,
			      "stack_samples (ringbuf): poll()");
	return 0;
}

static int map_memory(struct kernel *kernel, struct refusal *ret_refusal, struct error *error)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *memory;
	int result;

	kernel->cpu_states_size = (kernel->n_cpus * sizeof(struct cpu_state) + page - 1) / page *
				  page;
	memory = mmap(NULL, kernel->cpu_states_size, PROT_READ, MAP_SHARED,
		      bpf_map__fd(kernel->skeleton->maps.cpu_states), 0);
	if (memory == MAP_FAILED)
		return refuse(ret_refusal, FEATURE_MMAPABLE_ARRAYS, errno,
			      "cpu_states (array): mmap()");
	kernel->cpu_states = memory;
	result = map_rows(kernel, error);
	if (!result)
		result = map_walk_list(kernel, ret_refusal);
	if (result)
		return result;
	kernel->ring = ring_buffer__new(bpf_map__fd(kernel->skeleton->maps.records), pass_on_record,
					kernel, NULL);
	if (!kernel->ring)
		return refuse(ret_refusal, FEATURE_RING_BUFFER, errno, "records (ringbuf): mmap()");
	return kernel->sample_every ? map_samples(kernel, ret_refusal) : 0;
}

static int load(struct kernel *kernel, const struct collector_options *options,
		const struct feature_set *features, struct refusal *ret_refusal,
		struct error *error)
{
	int result;

	kernel->skeleton = object_open(options, features, kernel->sample_every);
	if (!kernel->skeleton)
		return error_set(error, errno, "cannot open the BPF programs: %s", strerror(errno));
	result = hooks_choose(kernel->hooks, kernel->skeleton->obj, ret_refusal);
	if (!result)
		result = configure(kernel, options, features);
	if (!result)
		result = memory_check(kernel->skeleton->obj, kernel->n_cpus, error);
	if (result)
		return result;
	result = faultmap_bpf__load(kernel->skeleton);
	if (result)
		hooks_find_refused(kernel->hooks, -result, ret_refusal);
	return result ? error_set(error, -result,
				  "cannot load the BPF programs: %s; -v -v shows libbpf's messages",
				  strerror(-result)) :
			0;
}

/* Runs each program of a tick once, so that a refusal comes now and not at the first tick. */
static int run_programs(struct kernel *kernel, struct refusal *ret_refusal)
{
	uint64_t arguments[WALK_ARGUMENTS] = {}; /* of a generation before the first */
	int result = kernel_run(kernel->skeleton->progs.know_me, NULL, 0);

	if (result < 0)
		return refuse(ret_refusal, FEATURE_TEST_RUN, -result,
			      "know_me (raw_tp): BPF_PROG_TEST_RUN");
	result = kernel_flush_cpu(kernel, sched_getcpu());
	if (result < 0)
		return refuse(ret_refusal, FEATURE_TEST_RUN, -result,
			      "flush_run (raw_tp): BPF_PROG_TEST_RUN on a CPU");
	result = kernel->walk ? kernel_run(kernel->walk, arguments, WALK_ARGUMENTS) : 0;
	if (result == TASKS_BROKEN)
		result = -EIO;
	return result < 0 ? refuse(ret_refusal, FEATURE_TASK_WALK, -result,
				   "walk_tasks (raw_tp): BPF_PROG_TEST_RUN") :
			    0;
}

/* Loads, maps and attaches: what the kernel refuses of it is in the refusal. */
static int set_up(struct kernel *kernel, const struct collector_options *options,
		  const struct feature_set *features, struct refusal *ret_refusal,
		  struct error *error)
{
	int result = load(kernel, options, features, ret_refusal, error);

	if (!result)
		result = map_memory(kernel, ret_refusal, error);
	if (result)
		return result;
	kernel_watch_huge_pages(kernel);
	result = run_programs(kernel, ret_refusal);
	return result ?: attach(kernel, options, features, ret_refusal);
}

static struct kernel *kernel_new(const struct collector_options *options,
				 const struct feature_set *features, struct collector_info *info)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int n_cpus = libbpf_num_possible_cpus();

	if (!kernel)
		return NULL;
	info->n_hooks = 0;
	kernel->n_cpus = n_cpus > 0 ? n_cpus : 1;
	kernel->counts_others = !options->follow &&
				(options->n_attach || !has(features, FEATURE_HOST_PROCESSES));
	kernel->swaps_fd = -1;
	kernel->sample_every = has(features, FEATURE_STACK_SAMPLES) ? info->sample_every : 0;
	kernel->refault_watch.fd = -1;
	kernel->hooks = hooks_new(options, features, info);
	if (!kernel->hooks) {
		kernel_close(kernel);
		return NULL;
	}
	return kernel;
}

/* One try, with the features that are left. 0, or a negative errno with the error set. */
static int try_open(struct kernel **ret_kernel, const struct collector_options *options,
		    const struct feature_set *features, struct collector_info *info,
		    struct refusal *ret_refusal, struct error *error)
{
	struct kernel *kernel = kernel_new(options, features, info);
	int result;

	if (!kernel)
		return error_set(error, ENOMEM, "out of memory");
	result = set_up(kernel, options, features, ret_refusal, error);
	if (result && ret_refusal->why)
		error_set(error, ret_refusal->why, "cannot watch page faults: %s: %s%s",
			  ret_refusal->what, strerror(ret_refusal->why),
			  ret_refusal->why == EMFILE ? "; raise the limit of open files" : "");
	if (result) {
		kernel_close(kernel);
		return result;
	}
	info->max_rows = kernel->sizes.rows;
	info->map_bytes = memory_of_maps(kernel->skeleton->obj);
	*ret_kernel = kernel;
	return 0;
}

/* The program of fault entry may be refused only because it copies stacks: tries without that
 * first. */
static bool is_of_samples(const struct refusal *refusal)
{
	return strstr(refusal->what, "BPF_PROG_LOAD") &&
	       (!strncmp(refusal->what, "page_fault ", strlen("page_fault ")) ||
		!strncmp(refusal->what, "fault_begin ", strlen("fault_begin ")));
}

/* Each refusal costs a feature, and one that is needed ends the tries. */
int kernel_open(struct kernel **ret_kernel, const struct collector_options *options,
		struct feature_set *features, struct collector_info *info, struct error *error)
{
	int result = 0;

	libbpf_set_print(print_libbpf);
	if (object_is_old(features) && has(features, FEATURE_TASK_WALK)) {
		features_drop(
			features, FEATURE_TASK_WALK,
			"no walk over processes in the programs for kernels before Linux 6.1");
		result = features_require(features, options->follow || options->attach_children,
					  error);
	}
	if (!result && options->stacks && object_is_old(features))
		result = error_set(
			error, ENOTSUP,
			"cannot walk stacks on this kernel: that needs Linux 6.1 or later, "
			"and CAP_SYS_ADMIN before Linux 6.2; use --code");
	while (!result) {
		struct refusal refusal = {};

		result = try_open(ret_kernel, options, features, info, &refusal, error);
		if (result && info->sample_every && is_of_samples(&refusal))
			refusal.feature = FEATURE_STACK_SAMPLES;
		if (!result || !refusal.why || is_shortage(&refusal) ||
		    !has(features, refusal.feature))
			return result;
		features_refuse(features, &refusal);
		if (refusal.feature == FEATURE_STACK_SAMPLES)
			info->sample_every = 0;
		result = features_require(features, options->follow || options->attach_children,
					  error);
	}
	return result;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	hooks_free(kernel->hooks);
	if (kernel->swaps_fd >= 0)
		close(kernel->swaps_fd);
	refault_watch_close(&kernel->refault_watch);
	perf_events_free(kernel->perf_events);
	ring_buffer__free(kernel->samples);
	ring_buffer__free(kernel->ring);
	row_table_close(kernel->rows);
	if (kernel->walk_list)
		munmap((void *)kernel->walk_list, sizeof(*kernel->walk_list));
	if (kernel->cpu_states)
		munmap(kernel->cpu_states, kernel->cpu_states_size);
	faultmap_bpf__destroy(kernel->skeleton);
	free(kernel);
}
