// SPDX-License-Identifier: GPL-2.0-only
#include "replay/jsonl_reader_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/build_id_source.h"
#include "base/util.h"
#include "model/ledger.h"
#include "model/stall_causes.h"

/* The id of "[other]", which no mapping of a log has. */
#define OTHER_MAPPING UINT64_MAX
/* The most call paths that are kept; further ones in a log are ignored. */
#define MAX_STACKS 65536
/* Build ids that are kept, of all files. */
#define MAX_BUILD_IDS 65536
/* Of one interval. */
#define MAX_SAMPLED 65536

static const char *kind_word(unsigned int value)
{
	return kind_name((enum fault_kind)value);
}

static const char *access_word(unsigned int value)
{
	return access_name((enum fault_access)value);
}

static const char *mode_word(unsigned int value)
{
	return mode_name((enum fault_mode)value);
}

struct latency_line {
	struct latency_counts delta;
	uint64_t count_total, sum_ns_total, max_ns;
};

/* Of NAME_total; an `other` line has deltas alone. */
static uint64_t get_total(struct jsonl_line *line, const json_t *object, const char *name,
			  bool has_totals)
{
	return has_totals ? jsonl_line_total_of(line, object, name) :
			    jsonl_line_uint_of(line, object, name);
}

static void get_latency(struct jsonl_line *line, const json_t *object, bool has_totals,
			struct latency_line *latency)
{
	const json_t *buckets = json_object_get(object, "buckets");

	*latency = (struct latency_line){
		.delta.count = jsonl_line_uint_of(line, object, "count"),
		.delta.sum_ns = jsonl_line_uint_of(line, object, "sum_ns"),
		.count_total = get_total(line, object, "count", has_totals),
		.sum_ns_total = get_total(line, object, "sum_ns", has_totals),
		.max_ns = jsonl_line_uint_of(line, object, "max_ns"),
	};
	if (json_array_size(buckets) != LATENCY_BUCKETS)
		jsonl_line_reject(line, "buckets", "no histogram of ours");
	for (size_t i = 0; i < json_array_size(buckets) && i < LATENCY_BUCKETS; i++)
		latency->delta.buckets[i] = jsonl_line_check_uint(line, json_array_get(buckets, i),
								  "buckets");
}

/* The stalls of a line by cause. */
struct stall_line {
	struct cause_counts delta, total;
	uint64_t max_ns[STALL_CAUSE_COUNT];
};

/* Ignores causes of a later version: their time is in no cause that is known here. */
static void get_stall(struct jsonl_line *line, const json_t *object, bool has_totals,
		      struct stall_line *stall)
{
	if (!json_is_object(object))
		jsonl_line_reject(line, "stall", "no causes");
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		const json_t *cause = json_object_get(object, stall_cause_name(i));

		if (!cause)
			continue;
		stall->delta.count[i] = jsonl_line_uint_of(line, cause, "count");
		stall->delta.sum_ns[i] = jsonl_line_uint_of(line, cause, "sum_ns");
		stall->total.count[i] = get_total(line, cause, "count", has_totals);
		stall->total.sum_ns[i] = get_total(line, cause, "sum_ns", has_totals);
		stall->max_ns[i] = jsonl_line_uint_of(line, cause, "max_ns");
	}
	if (!json_object_get(line->object, "refaults"))
		return;
	stall->delta.refaults = jsonl_line_uint(line, "refaults");
	stall->total.refaults = get_total(line, line->object, "refaults", has_totals);
}

static int add_stall(struct row *row, const struct stall_line *line, struct row_totals *last)
{
	struct row_causes *causes = row->latency->causes ?: calloc(1, sizeof(*causes));
	struct cause_counts none = {}, *known = &none;
	bool is_known = last && last->causes;

	row->latency->causes = causes;
	if (last && !last->causes)
		last->causes = calloc(1, sizeof(*last->causes));
	if (!causes || (last && !last->causes))
		return -ENOMEM;
	if (last)
		known = last->causes;
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++) {
		if (!line->total.count[i])
			continue;
		causes->now.count[i] += jsonl_gain(line->delta.count[i], line->total.count[i],
						   is_known, &known->count[i]);
		causes->now.sum_ns[i] += jsonl_gain(line->delta.sum_ns[i], line->total.sum_ns[i],
						    is_known, &known->sum_ns[i]);
		causes->max_ns[i] = max_of(causes->max_ns[i], line->max_ns[i]);
	}
	if (line->total.refaults)
		causes->now.refaults += jsonl_gain(line->delta.refaults, line->total.refaults,
						   is_known, &known->refaults);
	return 0;
}

static int add_latency(struct row *row, const struct latency_line *line, struct row_totals *last)
{
	struct row_latency *latency = row->latency;
	struct row_totals none = {};

	last = last ?: &none;
	if (!latency) {
		latency = row->latency = calloc(1, sizeof(*latency));
		if (!latency)
			return -ENOMEM;
	}
	latency->now.count += jsonl_gain(line->delta.count, line->count_total, last->has_stalls,
					 &last->stalls);
	latency->now.sum_ns += jsonl_gain(line->delta.sum_ns, line->sum_ns_total, last->has_stalls,
					  &last->stalled_ns);
	last->has_stalls = true;
	for (size_t i = 0; i < LATENCY_BUCKETS; i++)
		latency->now.buckets[i] += line->delta.buckets[i];
	latency->max_ns = max_of(latency->max_ns, line->max_ns);
	return 0;
}

/* Slices of a mapping differ in where they are, and in size where it has grown. */
static uint32_t slice_tag_of(uint64_t start, uint64_t end)
{
	uint64_t mixed = (start ^ end * UINT64_C(0x9e3779b97f4a7c15)) *
			 UINT64_C(0xff51afd7ed558ccd);

	return end ? (uint32_t)(mixed >> 32) | 1 : 0;
}

/* Lives as long as the reader. NULL: too many, or no memory. */
static const char *get_build_id(struct jsonl_line *line)
{
	struct jsonl_reader *reader = line->reader;
	const char *text = jsonl_line_text(line, "build_id");
	const char *kept;

	if (!*text || text[strspn(text, "0123456789abcdef")] || strlen(text) >= BUILD_ID_LEN) {
		jsonl_line_reject(line, "build_id", "no build id");
		return NULL;
	}
	kept = interned_find(&reader->build_ids, text);
	if (kept || reader->n_build_ids >= MAX_BUILD_IDS)
		return kept;
	kept = interned_add(&reader->build_ids, text);
	reader->n_build_ids += kept != NULL;
	return kept;
}

/* The object `code` of a `faults` line, or one of a `stack` line's frames. */
static struct code_place get_code(struct jsonl_line *line, json_t *code)
{
	json_t *outer = line->object;
	struct code_place place = {};

	line->object = code;
	place.in_file = json_object_get(code, "offset") != NULL;
	place.file = jsonl_line_name(line, "file", STRINGS_LAST);
	place.offset = jsonl_line_address(line, place.in_file ? "offset" : "address");
	if (!*place.file) /* no text that can be held */
		jsonl_line_reject(line, "file", "no name");
	if (json_object_get(code, "build_id"))
		place.build_id = get_build_id(line);
	line->object = outer;
	return place;
}

/* The thread and code of a line. NULL: it has none, is wrong, or *ret_result is -ENOMEM. */
static struct context *get_context(struct jsonl_line *line, int *ret_result)
{
	json_t *code = json_object_get(line->object, "code");
	const struct context *stack = NULL;
	struct code_place place = {};
	autofree char *thread = NULL;
	struct context *context;
	uint64_t tid = 0, stack_id;

	if (json_object_get(line->object, "tid")) {
		tid = jsonl_line_uint(line, "tid");
		thread = jsonl_line_raw(line, "thread");
	}
	if (tid > UINT32_MAX || (thread && strlen(thread) >= COMM_LEN))
		jsonl_line_reject(line, "thread", "no thread");
	if (code)
		place = get_code(line, code);
	if (json_object_get(line->object, "stack")) {
		stack_id = jsonl_line_address(line, "stack");
		stack = table_get(&line->reader->stacks, &stack_id);
	}
	if (line->why[0] || (!code && !thread))
		return NULL;
	context = context_new(stack ? stack->n_places : code ? 1 : 0);
	if (!context) {
		*ret_result = -ENOMEM;
		return NULL;
	}
	context->id = jsonl_line_address(line, "context");
	context->has_thread = thread;
	context->has_code = code;
	context->tid = (uint32_t)tid;
	strcpy(context->thread, thread ? thread : "");
	for (size_t i = 0; stack && i < stack->n_places; i++)
		context_set_place(context, i, stack->places[i]);
	if (code && !stack)
		context_set_place(context, 0, place);
	if (stack && context_set_kernel(context, stack->kernel, stack->n_kernel) < 0)
		*ret_result = -ENOMEM;
	context->has_stack = stack;
	context->is_whole = stack && stack->is_whole;
	context_set_stack_id(context);
	return context;
}

/* The kernel's part of a `stack` line, which may have none. 0 or -ENOMEM. */
static int get_kernel(struct jsonl_line *line, struct context *stack)
{
	const char *names[KERNEL_FRAMES_MAX];
	size_t count;

	if (!json_object_get(line->object, "kernel"))
		return 0;
	count = jsonl_get_kernel(line, names);
	return line->why[0] ? 0 : context_set_kernel(stack, names, count);
}

int jsonl_read_stack(struct jsonl_line *line)
{
	const json_t *frames = json_object_get(line->object, "frames");
	uint64_t id = jsonl_line_address(line, "stack");
	struct table *stacks = &line->reader->stacks;
	size_t count = json_array_size(frames);
	struct context *stack;

	if (!count || count > FRAMES_MAX)
		jsonl_line_reject(line, "frames", "no list of code");
	if (line->why[0] || table_get(stacks, &id) || stacks->count >= MAX_STACKS)
		return 0;
	stack = context_new(count);
	if (!stack)
		return -ENOMEM;
	stack->id = id;
	stack->is_whole = json_is_true(json_object_get(line->object, "whole"));
	for (size_t i = 0; i < count && !line->why[0]; i++) {
		struct code_place place = get_code(line, json_array_get(frames, i));

		if (!line->why[0])
			context_set_place(stack, i, place);
	}
	if (!line->why[0] && !get_kernel(line, stack) && !line->why[0] && !table_add(stacks, stack))
		return 0;
	context_drop(stack);
	return line->why[0] ? 0 : -ENOMEM;
}

/* A context that has this stack alone. NULL: no memory. */
static struct context *context_like(const struct context *stack)
{
	struct context *context = context_new(stack->n_places);

	if (!context)
		return NULL;
	context->has_code = context->has_stack = true;
	context->is_whole = stack->is_whole;
	for (size_t i = 0; i < stack->n_places; i++)
		context_set_place(context, i, stack->places[i]);
	context_set_stack_id(context);
	return context;
}

int jsonl_read_stack_sample(struct jsonl_line *line)
{
	struct snapshot *snapshot = line->reader->snapshot;
	uint64_t pid = jsonl_line_uint(line, "pid"), id = jsonl_line_address(line, "stack");
	struct sampled_path path = {
		.start_ns = jsonl_line_uint(line, "start_ns"),
		.tgid = (uint32_t)pid,
		.mapping = jsonl_line_name(line, "mapping", STRINGS_LAST),
	};
	const struct context *stack = table_get(&line->reader->stacks, &id);
	int result;

	if (json_object_get(line->object, "row_stack"))
		path.row_stack = jsonl_line_address(line, "row_stack");
	if (pid > UINT32_MAX)
		jsonl_line_reject(line, "pid", "no pid");
	if (line->why[0] || !stack || !*path.mapping || snapshot->n_sampled >= MAX_SAMPLED)
		return 0;
	path.context = context_like(stack);
	result = path.context ? snapshot_add_sampled(snapshot, &path) : -ENOMEM;
	context_drop(path.context);
	return result;
}

void jsonl_drop_stack(void *stack)
{
	context_drop(stack);
}

/* The row's identity and place; false: the line is wrong. */
static bool get_row(struct jsonl_line *line, struct row *row)
{
	const char *perms = jsonl_line_text(line, "perms");

	*row = (struct row){
		.mapping_id = jsonl_line_address(line, "mapping_id"),
		.kind = (uint8_t)jsonl_line_word(line, "kind", KIND_COUNT, kind_word),
		.access = (uint8_t)jsonl_line_word(line, "access", ACCESS_COUNT, access_word),
		.mode = (uint8_t)jsonl_line_word(line, "mode", MODE_COUNT, mode_word),
		.mapping = jsonl_line_name(line, "mapping", STRINGS_LAST),
		.map_start = jsonl_line_address(line, "map_start"),
		.map_end = jsonl_line_address(line, "map_end"),
		.map_offset = jsonl_line_uint(line, "map_offset"),
	};
	row->largest = ledger_size_code(json_object_get(line->object, "map_largest_bytes") ?
						jsonl_line_uint(line, "map_largest_bytes") :
						row->map_end - row->map_start);
	if (strlen(perms) < sizeof(row->perms))
		strcpy(row->perms, perms);
	else
		jsonl_line_reject(line, "perms", "too long");
	if (json_object_get(line->object, "slice_start")) {
		row->slice_start = jsonl_line_address(line, "slice_start");
		row->slice_end = jsonl_line_address(line, "slice_end");
		row->slice = slice_tag_of(row->slice_start, row->slice_end);
	}
	if (json_object_get(line->object, "context"))
		row->context_id = jsonl_line_address(line, "context");
	return !line->why[0];
}

/* The row of "[other]", as the collector makes it for faults that found no room in the kernel. */
static struct row *find_other(struct snapshot *snapshot, const struct row *want)
{
	struct process *process = snapshot_process(snapshot, 0, 0, NULL);
	struct row *row = process ? snapshot_row(snapshot, process, OTHER_MAPPING, want->kind,
						 want->access, want->mode, NULL) :
				    NULL;

	if (!row)
		return NULL;
	strcpy(process->comm, "other");
	row->mapping = snapshot_intern(snapshot, "[other]") ?: row->mapping;
	return row;
}

static bool has_room(const struct snapshot *snapshot, const struct row *want)
{
	return snapshot->n_rows < MAX_ROWS || snapshot_has_row_like(snapshot, want);
}

static struct row *find_row(struct jsonl_line *line, struct row *want, struct context *context,
			    int *ret_result)
{
	struct snapshot *snapshot = line->reader->snapshot;
	struct process *process = want->process = jsonl_get_process(line, ret_result);
	struct row *row;

	if (*ret_result == NO_ROOM || (process && !has_room(snapshot, want))) {
		row = find_other(snapshot, want);
		*ret_result = row ? NO_ROOM : -ENOMEM;
		return row;
	}
	if (!process)
		return NULL;
	row = snapshot_row_like(snapshot, process, want, NULL);
	if (!row) {
		*ret_result = -ENOMEM;
		return NULL;
	}
	if (!row->context)
		row_set_context(row, context);
	row->mapping = want->mapping;
	row->map_start = want->map_start;
	row->map_end = want->map_end;
	row->map_offset = want->map_offset;
	row->largest = (uint16_t)max_of(row->largest, want->largest);
	row->slice_start = want->slice_start;
	row->slice_end = want->slice_end;
	memcpy(row->perms, want->perms, sizeof(row->perms));
	return row;
}

/* What one `faults` line says of a row. */
struct faults_line {
	uint64_t delta[4], total[4]; /* minor, major, denied, pages */
	bool has_latency;
	struct latency_line latency;
	bool has_stall;
	struct stall_line stall;
};

static void get_faults(struct jsonl_line *line, bool has_totals, struct faults_line *faults)
{
	static const char *const names[] = { "minor", "major", "denied", "pages" };
	const json_t *latency = json_object_get(line->object, "latency");
	const json_t *stall = json_object_get(line->object, "stall");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		faults->delta[i] = jsonl_line_uint(line, names[i]);
		faults->total[i] = get_total(line, line->object, names[i], has_totals);
	}
	faults->has_latency = latency != NULL;
	if (latency)
		get_latency(line, latency, has_totals, &faults->latency);
	faults->has_stall = latency && stall;
	if (faults->has_stall)
		get_stall(line, stall, has_totals, &faults->stall);
}

/* last: the totals of the line before, NULL where many series are in one row: each delta counts. */
static int add_faults(struct row *row, const struct faults_line *line, struct row_totals *last)
{
	uint64_t *now[] = { &row->now.minor, &row->now.major, &row->now.denied, &row->now.pages };
	uint64_t brought = ledger_of(row, &row->now).brought;
	struct row_totals none = {};
	struct row_totals *known = last ?: &none;

	for (size_t i = 0; i < ARRAY_SIZE(now); i++)
		*now[i] += jsonl_gain(line->delta[i], line->total[i], known->is_known,
				      &known->counts[i]);
	row->process->brought_pages += ledger_of(row, &row->now).brought - brought;
	known->is_known = true;
	if (line->has_latency && add_latency(row, &line->latency, last))
		return -ENOMEM;
	return line->has_stall ? add_stall(row, &line->stall, last) : 0;
}

int jsonl_read_faults(struct jsonl_line *line)
{
	struct row_totals *last = NULL;
	struct faults_line faults = {};
	struct context *context = NULL;
	struct row want, *row = NULL;
	int result = 0;

	get_faults(line, true, &faults);
	if (get_row(line, &want) && want.context_id)
		context = get_context(line, &result);
	if (!line->why[0] && !result) /* from here on it counts */
		row = find_row(line, &want, context, &result);
	context_drop(context);
	if (!row || result < 0)
		return result;
	if (result != NO_ROOM) {
		last = jsonl_totals_row(&line->reader->last, row);
		if (!last)
			return -ENOMEM;
	}
	return add_faults(row, &faults, last) < 0 ? -ENOMEM : result;
}

/* Sums. ---------------------------------------------------------------------------------------- */

/* FNV-1a of 64 bits, never 0. */
static uint64_t hash_of(const char *cgroup, const char *comm, uint64_t uid)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ uid;

	for (; *cgroup; cgroup++)
		hash = (hash ^ (unsigned char)*cgroup) * UINT64_C(0x100000001b3);
	hash *= UINT64_C(0x100000001b3);
	for (; *comm; comm++)
		hash = (hash ^ (unsigned char)*comm) * UINT64_C(0x100000001b3);
	return hash | 1;
}

/* The process that stands for those of a sum, of this interval alone. NULL: the line is wrong, or
 * *ret_result says why. */
static struct process *get_sum(struct jsonl_line *line, int *ret_result)
{
	bool has_comm = json_object_get(line->object, "comm") != NULL;
	autofree char *comm = has_comm ? jsonl_line_raw(line, "comm") : strdup("other");
	const char *cgroup = jsonl_line_name(line, "cgroup", STRINGS_FIRST);
	uint64_t uid = jsonl_line_uint(line, "uid");
	struct snapshot *snapshot = line->snapshot;
	struct process *process;
	uint64_t id;

	if (uid > UINT32_MAX)
		jsonl_line_reject(line, "uid", "no user");
	if (comm && strlen(comm) >= COMM_LEN)
		jsonl_line_reject(line, "comm", "too long");
	if (line->why[0])
		return NULL;
	id = comm ? hash_of(cgroup, comm, uid) : 0;
	if (id && snapshot->n_processes >= MAX_PROCESSES &&
	    !snapshot_find_process(snapshot, 0, id)) {
		*ret_result = NO_ROOM;
		return NULL;
	}
	process = id ? snapshot_process(snapshot, 0, id, NULL) : NULL;
	if (!process) {
		*ret_result = -ENOMEM;
		return NULL;
	}
	strcpy(process->comm, comm);
	process->cgroup = cgroup;
	process->uid = (uint32_t)uid;
	process->ended = true;
	return process;
}

int jsonl_read_other(struct jsonl_line *line)
{
	struct row want = {
		.kind = (uint8_t)jsonl_line_word(line, "kind", KIND_COUNT, kind_word),
		.access = (uint8_t)jsonl_line_word(line, "access", ACCESS_COUNT, access_word),
		.mode = (uint8_t)jsonl_line_word(line, "mode", MODE_COUNT, mode_word),
	};
	struct snapshot *snapshot = line->snapshot;
	struct faults_line faults = {};
	struct process *process;
	struct row *row;
	int result = 0;

	get_faults(line, false, &faults);
	process = get_sum(line, &result);
	if (!process && result != NO_ROOM)
		return result;
	want.mapping_id = process ? process->start_ns : OTHER_MAPPING;
	want.process = process;
	row = process && has_room(snapshot, &want) ?
		      snapshot_row_like(snapshot, process, &want, NULL) :
		      find_other(snapshot, &want);
	if (!row)
		return -ENOMEM;
	row->mapping = snapshot_intern(snapshot, "[other]") ?: row->mapping;
	return add_faults(row, &faults, NULL) < 0 ? -ENOMEM : result;
}

int jsonl_read_exits(struct jsonl_line *line)
{
	uint64_t processes = jsonl_line_uint(line, "processes");
	uint64_t vsz_bytes = jsonl_line_uint(line, "peak_vsz_bytes");
	uint64_t rss_bytes = jsonl_line_uint(line, "peak_rss_bytes");
	uint64_t minor = jsonl_line_uint(line, "minor"), major = jsonl_line_uint(line, "major");
	uint64_t gup = jsonl_line_uint(line, "gup");
	int result = 0;
	struct process *process = get_sum(line, &result);

	if (!process)
		return result;
	process->n_folded += processes;
	process->peak_vsz_bytes += vsz_bytes;
	process->peak_rss_bytes += rss_bytes;
	process->minor += minor;
	process->major += major;
	process->gup += gup;
	return 0;
}
