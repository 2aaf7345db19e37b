// SPDX-License-Identifier: GPL-2.0-only
#include "collect/object.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faultmap_old.skel.h"
#include "faultmap_usual.skel.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/* The variables of all objects are in the same places. */
#define SAME_PLACE(section, variable)                                                            \
	_Static_assert(offsetof(struct faultmap_bpf__##section, variable) ==                     \
				       offsetof(struct faultmap_old_bpf__##section, variable) && \
			       offsetof(struct faultmap_bpf__##section, variable) ==             \
				       offsetof(struct faultmap_usual_bpf__##section, variable), \
		       #variable)
SAME_PLACE(rodata, config_follow);
SAME_PLACE(rodata, config_slices_max);
SAME_PLACE(bss, namespace_address);
SAME_PLACE(bss, free_rows);
SAME_PLACE(bss, filling_told);
SAME_PLACE(bss, guard_lost);
SAME_PLACE(bss, stall_paths);

#define SWITCH(type, name, usual) type name;
struct switches {
	SWITCHES(SWITCH)
};
#undef SWITCH

static bool has(const struct feature_set *features, enum feature feature)
{
	return features->state[feature].available;
}

static bool is_administrator(void)
{
	return capng_get_caps_process() || capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

bool object_is_old(const struct feature_set *features)
{
	return !has(features, FEATURE_MAPLE_TREE) ||
	       (!has(features, FEATURE_DIRECT_READS) && !is_administrator());
}

static struct switches switches_of(const struct collector_options *options,
				   const struct feature_set *features, uint32_t sample_every)
{
	const struct guard_options *guard = options->guard;

	return (struct switches){
		.config_attach = options->n_attach > 0,
		.config_perf_events = has(features, FEATURE_PERF_EVENTS),
		.config_fault_entry = has(features, FEATURE_FAULT_ENTRY),
		.config_mm_sequence = has(features, FEATURE_MM_SEQUENCE),
		.config_direct_reads = has(features, FEATURE_DIRECT_READS),
		.config_host_processes = has(features, FEATURE_HOST_PROCESSES),
		.config_process_free = has(features, FEATURE_PROCESS_FREE),
		.config_run_delay = has(features, FEATURE_RUN_DELAY),
		.config_causes = has(features, FEATURE_SWITCHES),
		.config_stall_paths = has(features, FEATURE_KERNEL_STACKS),
		.config_slice_shift = options->slice_bytes ? __builtin_ctzll(options->slice_bytes) :
							     0,
		.config_guard = guard,
		.config_guard_units = guard && guard->units && guard->units->count,
		.config_guard_threads = guard && guard->n_tids,
		.config_guard_mlockall = guard && guard->since_mlockall,
		.config_threads = options->threads,
		.config_code = options->code,
		.config_stacks = options->stacks,
		.config_kernel_paths = options->stacks && has(features, FEATURE_KERNEL_STACKS) &&
				       !object_is_old(features),
		.config_programs = has(features, FEATURE_PROCESS_EXEC) &&
				   (options->wants_exe || options->wants_command),
		.config_sample_every = sample_every,
	};
}

static bool all_usual(const struct switches *switches)
{
#define SWITCH(type, name, usual) &&switches->name == (usual)
	return true SWITCHES(SWITCH);
#undef SWITCH
}

static void set_switches(struct faultmap_bpf *skeleton, const struct switches *switches)
{
#define SWITCH(type, name, usual) skeleton->rodata->name = switches->name;
	SWITCHES(SWITCH)
#undef SWITCH
}

/* Removes a map from the skeleton: libbpf fails if the object does not have it. */
static void leave_out(struct bpf_object_skeleton *skeleton, const char *name)
{
	char *maps = (char *)skeleton->maps;
	size_t size = skeleton->map_skel_sz;

	for (int i = 0; i < skeleton->map_cnt; i++) {
		if (strcmp(((struct bpf_map_skeleton *)(maps + i * size))->name, name))
			continue;
		skeleton->map_cnt--;
		memmove(maps + i * size, maps + (i + 1) * size, (skeleton->map_cnt - i) * size);
		return;
	}
}

/* The same for a program. */
static void leave_out_program(struct bpf_object_skeleton *skeleton, const char *name)
{
	char *programs = (char *)skeleton->progs;
	size_t size = skeleton->prog_skel_sz;

	for (int i = 0; i < skeleton->prog_cnt; i++) {
		if (strcmp(((struct bpf_prog_skeleton *)(programs + i * size))->name, name))
			continue;
		skeleton->prog_cnt--;
		memmove(programs + i * size, programs + (i + 1) * size,
			(skeleton->prog_cnt - i) * size);
		return;
	}
}

/* Removes what the object for old kernels lacks. */
static void take_old(struct bpf_object_skeleton *skeleton)
{
	skeleton->data = (void *)faultmap_old_bpf__elf_bytes(&skeleton->data_sz);
	leave_out(skeleton, "task_owners");
	leave_out(skeleton, "free_latency_lines");
	leave_out(skeleton, "walk_lists");
	leave_out(skeleton, "processes_seen");
	leave_out(skeleton, "stack_samples");
	leave_out(skeleton, "stacks_sampled");
	leave_out(skeleton, "areas_sent");
	leave_out(skeleton, "kernel_works");
	leave_out_program(skeleton, "walk_tasks");
	leave_out_program(skeleton, "populate_lock");
	leave_out_program(skeleton, "populate_unlock");
	leave_out_program(skeleton, "populate_placed");
}

/* One skeleton serves all objects: they have the same variables, and nearly the same maps and
 * programs. */
struct faultmap_bpf *object_open(const struct collector_options *options,
				 const struct feature_set *features, uint32_t sample_every)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_options);
	struct switches switches = switches_of(options, features, sample_every);
	struct faultmap_bpf *skeleton = calloc(1, sizeof(*skeleton));
	int result = skeleton ? faultmap_bpf__create_skeleton(skeleton) : -ENOMEM;

	/* libbpf looks for types in modules too, unless it is given one BTF. */
	if (!result && !is_administrator() && !access(KERNEL_BTF, R_OK))
		open_options.btf_custom_path = KERNEL_BTF;
	if (!result && object_is_old(features))
		take_old(skeleton->skeleton);
	else if (!result && all_usual(&switches))
		skeleton->skeleton->data =
			(void *)faultmap_usual_bpf__elf_bytes(&skeleton->skeleton->data_sz);
	if (!result)
		result = bpf_object__open_skeleton(skeleton->skeleton, &open_options);
	if (!result) {
		set_switches(skeleton, &switches);
		return skeleton;
	}
	faultmap_bpf__destroy(skeleton);
	errno = -result;
	return NULL;
}
