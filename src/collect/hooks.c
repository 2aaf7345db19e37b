// SPDX-License-Identifier: GPL-2.0-only
#include "collect/hooks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

enum hook_way {
	WAY_RUN,        /* BPF_PROG_TEST_RUN */
	WAY_ITERATOR,   /* of tasks */
	WAY_PERF_EVENT, /* collector_perf.c attaches it */
	WAY_SWAP,       /* a tracepoint, once there is swap */
	WAY_REFAULTS,   /* a tracepoint; of all processes only while pages come back */
	WAY_TRACEPOINT,
	WAY_ENTRY, /* a program for both tracepoints of fault entry */
};

enum hook_when {
	WHEN_EVER,
	WHEN_FULL,        /* --detail=full */
	WHEN_FOLLOW,      /* `run` */
	WHEN_PROGRAMS,    /* what processes run is asked for, or all is tried */
	WHEN_ENTRY_EVENT, /* fault entry is a perf event */
	WHEN_CAUSES,      /* what a stall was for is told */
	WHEN_RECLAIM,     /* the same, or --detail=full */
	WHEN_POPULATE,    /* --detail=full, but no guard: that tells of these by process */
	WHEN_NO_WALK,     /* walk_tasks is not loaded, or all is tried */
};

struct hook {
	const char *program;
	enum feature feature;
	enum hook_way way;
	enum hook_when when;
};

/* Hooks on the end of faults come first, so that no fault is seen to begin but not to end. */
static const struct hook hooks_table[] = {
	{ "know_me", FEATURE_TEST_RUN, WAY_RUN, WHEN_EVER },
	{ "flush_run", FEATURE_TEST_RUN, WAY_RUN, WHEN_EVER },
	{ "forget_rows", FEATURE_TEST_RUN, WAY_RUN, WHEN_EVER },
	{ "walk_tasks", FEATURE_TASK_WALK, WAY_RUN, WHEN_EVER },
	{ "list_tasks", FEATURE_TASK_ITERATOR, WAY_ITERATOR, WHEN_NO_WALK },
	{ "fault_end", FEATURE_PERF_EVENTS, WAY_PERF_EVENT, WHEN_EVER },
	{ "fault_rss", FEATURE_RSS_STAT, WAY_SWAP, WHEN_FULL },
	{ "process_fork", FEATURE_PROCESS_FORK, WAY_TRACEPOINT, WHEN_FOLLOW },
	{ "program_fork", FEATURE_PROCESS_EXEC, WAY_TRACEPOINT, WHEN_PROGRAMS },
	{ "program_exec", FEATURE_PROCESS_EXEC, WAY_TRACEPOINT, WHEN_PROGRAMS },
	{ "process_exit", FEATURE_PROCESS_EXIT, WAY_TRACEPOINT, WHEN_EVER },
	{ "process_free", FEATURE_PROCESS_FREE, WAY_TRACEPOINT, WHEN_EVER },
	{ "fault_flush", FEATURE_TLB_FLUSH, WAY_TRACEPOINT, WHEN_FULL },
	{ "fault_around", FEATURE_MAP_PAGES, WAY_TRACEPOINT, WHEN_FULL },
	{ "fault_dax", FEATURE_DAX, WAY_TRACEPOINT, WHEN_FULL },
	{ "fault_reclaim_begin", FEATURE_RECLAIM, WAY_TRACEPOINT, WHEN_RECLAIM },
	{ "fault_reclaim_end", FEATURE_RECLAIM, WAY_TRACEPOINT, WHEN_RECLAIM },
	{ "fault_memcg_reclaim_begin", FEATURE_MEMCG_RECLAIM, WAY_TRACEPOINT, WHEN_RECLAIM },
	{ "fault_memcg_reclaim_end", FEATURE_MEMCG_RECLAIM, WAY_TRACEPOINT, WHEN_RECLAIM },
	{ "fault_lock_end", FEATURE_LOCKS, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "fault_lock_begin", FEATURE_LOCKS, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "fault_compaction_end", FEATURE_COMPACTION, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "fault_compaction_begin", FEATURE_COMPACTION, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "fault_reads", FEATURE_PAGE_CACHE, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "fault_waits_for_writeback", FEATURE_WRITEBACK, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "fault_is_throttled", FEATURE_WRITEBACK, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "fault_refaults", FEATURE_REFAULTS, WAY_REFAULTS, WHEN_CAUSES },
	{ "fault_switch", FEATURE_SWITCHES, WAY_TRACEPOINT, WHEN_CAUSES },
	{ "populate_unlock", FEATURE_POPULATE, WAY_TRACEPOINT, WHEN_POPULATE },
	{ "populate_lock", FEATURE_POPULATE, WAY_TRACEPOINT, WHEN_POPULATE },
	{ "populate_placed", FEATURE_POPULATE, WAY_TRACEPOINT, WHEN_POPULATE },
	{ "fault_signal", FEATURE_SIGNALS, WAY_TRACEPOINT, WHEN_EVER },
	{ "page_fault", FEATURE_FAULT_ENTRY, WAY_ENTRY, WHEN_EVER },
	{ "fault_begin", FEATURE_PERF_EVENTS, WAY_PERF_EVENT, WHEN_ENTRY_EVENT },
};

/* The kinds of sections that bpf/ has. libbpf's own handlers do the same, but do not tell which
 * program it is that the kernel refuses. */
static const struct {
	const char *section;
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
} sections[] = {
	{ "tp_btf+", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP },
	{ "iter+", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER },
	{ "raw_tp+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0 },
	{ "perf_event", BPF_PROG_TYPE_PERF_EVENT, 0 },
};

struct hooks {
	struct collector_options options;
	const struct feature_set *features;
	struct collector_info *info;
	struct bpf_object *object;
	struct bpf_link *links[COLLECTOR_MAX_HOOKS]; /* tracepoints */
	size_t n_links;
	struct bpf_link *tasks_link;
	struct bpf_link *refaults_link; /* NULL: the hook is not there now */
	bool has_named_refaults;
};

/*
 * The program that libbpf is loading, or has loaded last. libbpf's handlers are for all objects of
 * the process, and are never taken back: 1.1 writes to memory it has freed when one is added after
 * the last has gone.
 */
static const struct bpf_program *loading;

static int note_loading(struct bpf_program *program, struct bpf_prog_load_opts *options,
			long cookie)
{
	(void)options;
	(void)cookie;
	loading = program;
	return 0;
}

static void watch_loading(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = note_loading);
	static bool is_watched;

	loading = NULL;
	for (size_t i = 0; !is_watched && i < ARRAY_SIZE(sections); i++)
		libbpf_register_prog_handler(sections[i].section, sections[i].type,
					     sections[i].attach_type, &handler);
	is_watched = true;
}

struct hooks *hooks_new(const struct collector_options *options, const struct feature_set *features,
			struct collector_info *info)
{
	struct hooks *hooks = calloc(1, sizeof(*hooks));

	if (!hooks)
		return NULL;
	hooks->options = *options;
	hooks->features = features;
	hooks->info = info;
	watch_loading();
	return hooks;
}

void hooks_free(struct hooks *hooks)
{
	if (!hooks)
		return;
	for (size_t i = 0; i < hooks->n_links; i++)
		bpf_link__destroy(hooks->links[i]);
	bpf_link__destroy(hooks->tasks_link);
	bpf_link__destroy(hooks->refaults_link);
	free(hooks);
}

static bool has(const struct hooks *hooks, enum feature feature)
{
	return hooks->features->state[feature].available;
}

static bool is_wanted(const struct hooks *hooks, const struct hook *hook)
{
	bool full = hooks->options.detail == DETAIL_FULL;

	if (!has(hooks, hook->feature))
		return false;
	switch (hook->when) {
	case WHEN_FULL:
		return full;
	case WHEN_POPULATE:
		return full && !hooks->options.guard;
	case WHEN_FOLLOW:
		return hooks->options.follow || hooks->options.attach_children;
	case WHEN_PROGRAMS:
		return hooks->options.wants_exe || hooks->options.wants_command ||
		       hooks->options.try_all;
	case WHEN_CAUSES:
		return has(hooks, FEATURE_SWITCHES);
	case WHEN_RECLAIM:
		return full || has(hooks, FEATURE_SWITCHES);
	case WHEN_NO_WALK:
		return !hooks_has(hooks, "walk_tasks") || hooks->options.try_all;
	case WHEN_ENTRY_EVENT:
		return !has(hooks, FEATURE_FAULT_ENTRY);
	default:
		return true;
	}
}

/* "tp_btf/rss_stat": a section without the mark of those that are optional. */
static const char *section_of(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	return section + (section[0] == '?');
}

static int refuse(struct refusal *refusal, enum feature feature, int why, const char *name,
		  const char *type, const char *call)
{
	refusal->feature = feature;
	refusal->why = why;
	snprintf(refusal->what, sizeof(refusal->what), "%s (%s): %s", name, type, call);
	return -why;
}

static int refuse_hook(struct refusal *refusal, const struct hook *hook,
		       const struct bpf_program *program, int why, const char *call)
{
	return refuse(refusal, hook->feature, why, hook->program, section_of(program), call);
}

/* Where tp_btf and iter programs go is part of their types. */
static int set_target(struct bpf_program *program)
{
	const char *target = strchr(bpf_program__section_name(program), '/');

	if (bpf_program__type(program) != BPF_PROG_TYPE_TRACING || !target)
		return 0;
	return bpf_program__set_attach_target(program, 0, target + 1);
}

int hooks_choose(struct hooks *hooks, struct bpf_object *object, struct refusal *ret_refusal)
{
	hooks->object = object;
	for (size_t i = 0; i < ARRAY_SIZE(hooks_table); i++) {
		const struct hook *hook = &hooks_table[i];
		struct bpf_program *program = bpf_object__find_program_by_name(object,
									       hook->program);
		bool wanted = program && is_wanted(hooks, hook);
		int result;

		if (!program)
			continue;
		bpf_program__set_autoload(program, wanted);
		result = wanted ? set_target(program) : 0;
		if (result)
			return refuse_hook(ret_refusal, hook, program, -result, "no such hook");
	}
	return 0;
}

static const struct hook *hook_of(const struct bpf_program *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks_table); i++)
		if (!strcmp(hooks_table[i].program, bpf_program__name(program)))
			return &hooks_table[i];
	return NULL;
}

static enum feature feature_of_map(const struct bpf_map *map)
{
	if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF)
		return FEATURE_RING_BUFFER;
	return bpf_map__map_flags(map) & BPF_F_MMAPABLE ? FEATURE_MMAPABLE_ARRAYS : FEATURE_MAPS;
}

/* Makes all maps again as libbpf does, as libbpf does not say which one it could not make. */
static void find_refused_map(const struct hooks *hooks, struct refusal *ret_refusal)
{
	int fds[64], n_fds = 0;
	struct bpf_map *map;

	bpf_object__for_each_map(map, hooks->object)
	{
		LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(map));
		int fd = bpf_map_create(bpf_map__type(map), NULL, bpf_map__key_size(map),
					bpf_map__value_size(map), bpf_map__max_entries(map),
					&options);

		if (fd < 0) {
			refuse(ret_refusal, feature_of_map(map), -fd, bpf_map__name(map),
			       libbpf_bpf_map_type_str(bpf_map__type(map)), "BPF_MAP_CREATE");
			break;
		}
		fds[n_fds++] = fd;
		if (n_fds == ARRAY_SIZE(fds))
			break;
	}
	while (n_fds)
		close(fds[--n_fds]);
}

void hooks_find_refused(const struct hooks *hooks, int why, struct refusal *ret_refusal)
{
	const struct hook *hook = loading ? hook_of(loading) : NULL;

	if (hook)
		refuse_hook(ret_refusal, hook, loading, why, "BPF_PROG_LOAD");
	else if (!loading)
		find_refused_map(hooks, ret_refusal);
}

/* Once, however many programs are there. */
void hooks_add_name(struct hooks *hooks, const char *name)
{
	struct collector_info *info = hooks->info;

	for (size_t i = 0; i < info->n_hooks; i++)
		if (!strcmp(info->hooks[i], name))
			return;
	if (info->n_hooks < COLLECTOR_MAX_HOOKS)
		info->hooks[info->n_hooks++] = name;
}

static int add_link(struct hooks *hooks, const struct hook *hook, const struct bpf_program *program,
		    struct bpf_link *link, const char *name, struct refusal *ret_refusal)
{
	if (!link)
		return refuse_hook(ret_refusal, hook, program, errno, "BPF_RAW_TRACEPOINT_OPEN");
	hooks->links[hooks->n_links++] = link;
	hooks_add_name(hooks, name);
	return 0;
}

static int attach_tracepoint(struct hooks *hooks, const struct hook *hook,
			     const struct bpf_program *program, struct refusal *ret_refusal)
{
	return add_link(hooks, hook, program, bpf_program__attach_trace(program),
			section_of(program), ret_refusal);
}

static int attach_entry(struct hooks *hooks, const struct hook *hook,
			const struct bpf_program *program, struct refusal *ret_refusal)
{
	static const char *const names[] = { "raw_tp/page_fault_kernel", "raw_tp/page_fault_user" };
	int result = 0;

	for (size_t i = 0; !result && i < ARRAY_SIZE(names); i++) {
		const char *tracepoint = strchr(names[i], '/') + 1;

		result = add_link(hooks, hook, program,
				  bpf_program__attach_raw_tracepoint(program, tracepoint), names[i],
				  ret_refusal);
	}
	return result;
}

/* Each tick makes an iterator. Makes one now, so that a refusal comes now and not at a tick. */
static int attach_iterator(struct hooks *hooks, const struct hook *hook,
			   const struct bpf_program *program, struct refusal *ret_refusal)
{
	autoclose int fd = -1;

	hooks->tasks_link = bpf_program__attach_iter(program, NULL);
	if (!hooks->tasks_link)
		return refuse_hook(ret_refusal, hook, program, errno, "BPF_LINK_CREATE");
	fd = bpf_iter_create(bpf_link__fd(hooks->tasks_link));
	return fd < 0 ? refuse_hook(ret_refusal, hook, program, errno, "BPF_ITER_CREATE") : 0;
}

/* Adds its name once, however often the hook is attached and detached. */
static int attach_refaults(struct hooks *hooks, const struct hook *hook,
			   const struct bpf_program *program, struct refusal *ret_refusal)
{
	hooks->refaults_link = bpf_program__attach_trace(program);
	if (!hooks->refaults_link)
		return refuse_hook(ret_refusal, hook, program, errno, "BPF_RAW_TRACEPOINT_OPEN");
	if (!hooks->has_named_refaults)
		hooks_add_name(hooks, section_of(program));
	hooks->has_named_refaults = true;
	return 0;
}

static int attach_hook(struct hooks *hooks, const struct hook *hook,
		       const struct bpf_program *program, struct refusal *ret_refusal)
{
	switch (hook->way) {
	case WAY_ITERATOR:
		return attach_iterator(hooks, hook, program, ret_refusal);
	case WAY_ENTRY:
		return attach_entry(hooks, hook, program, ret_refusal);
	case WAY_REFAULTS:
		return attach_refaults(hooks, hook, program, ret_refusal);
	default:
		return attach_tracepoint(hooks, hook, program, ret_refusal);
	}
}

static int attach_way(struct hooks *hooks, enum hook_way way, struct refusal *ret_refusal)
{
	int result = 0;

	for (size_t i = 0; !result && i < ARRAY_SIZE(hooks_table); i++) {
		const struct hook *hook = &hooks_table[i];
		const struct bpf_program *program = bpf_object__find_program_by_name(hooks->object,
										     hook->program);

		if (hook->way == way && program && bpf_program__autoload(program))
			result = attach_hook(hooks, hook, program, ret_refusal);
	}
	return result;
}

int hooks_attach(struct hooks *hooks, struct refusal *ret_refusal)
{
	int result = attach_way(hooks, WAY_ITERATOR, ret_refusal);

	if (!result)
		result = attach_way(hooks, WAY_TRACEPOINT, ret_refusal);
	return result ?: attach_way(hooks, WAY_ENTRY, ret_refusal);
}

int hooks_attach_swap(struct hooks *hooks, struct refusal *ret_refusal)
{
	return attach_way(hooks, WAY_SWAP, ret_refusal);
}

int hooks_attach_refaults(struct hooks *hooks, struct refusal *ret_refusal)
{
	return hooks->refaults_link ? 0 : attach_way(hooks, WAY_REFAULTS, ret_refusal);
}

void hooks_detach_refaults(struct hooks *hooks)
{
	bpf_link__destroy(hooks->refaults_link);
	hooks->refaults_link = NULL;
}

bool hooks_has(const struct hooks *hooks, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(hooks->object, name);

	return program && bpf_program__autoload(program);
}

struct bpf_link *hooks_tasks_link(const struct hooks *hooks)
{
	return hooks->tasks_link;
}
