// SPDX-License-Identifier: GPL-2.0-only
#include "term/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interned.h"
#include "base/text.h"
#include "base/util.h"
#include "model/losses.h"
#include "model/stall_causes.h"
#include "model/unit_name.h"

/* What line_set_make() works on. */
struct making {
	struct line_set *set;
	enum view_kind view;
	const struct scope *scope;
	const struct zero *zero;
	bool counts_processes; /* minor and major are the kernel's own totals */
	struct table table;
	struct table parts;
	struct interned units;
	bool out_of_memory;
	/* The unit of the cgroup that was asked for last: processes of one stand together. */
	const char *last_cgroup, *last_unit;
};

/* A mapping, or a process, that is counted in a line of several. */
struct part {
	uint64_t key[2]; /* the line, and the part */
	uint64_t bound_bytes;
};

/* What a process had at the zero. */
struct zero_process {
	uint64_t start_ns;
	uint32_t tgid, pad; /* so far the key, as of struct process */
	uint64_t minor, major;
};

struct zero_row {
	_Alignas(8) unsigned char key[offsetof(struct row, process)]; /* as of struct row */
	struct fault_counts counts;
	struct latency_counts *latency; /* NULL: it had none */
};

#define PROCESS_KEY_SIZE offsetof(struct zero_process, minor)
#define ROW_KEY_SIZE sizeof(((struct zero_row *)0)->key)

/* FNV-1a of 64 bits: finds names again; an attacker could make collisions. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *next = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ next[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t id_of(const struct line *line)
{
	uint64_t numbers[] = { line->start_ns, line->tgid, line->mapping_id,
			       (uint64_t)line->kind << 16 | line->access << 8 | line->mode };
	uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), numbers, sizeof(numbers));

	return hash_bytes(hash, line->name, strlen(line->name)) | 1;
}

static const char *unit_of(struct making *making, const struct process *process)
{
	struct unit_name unit;
	const char *cgroup = process->cgroup ?: "";

	if (making->last_unit && making->last_cgroup == cgroup)
		return making->last_unit;
	unit_name_of(&unit, cgroup);
	making->last_unit = interned_add(&making->units, unit.name);
	making->last_cgroup = cgroup;
	making->out_of_memory |= !making->last_unit;
	return making->last_unit;
}

static const char *copy(struct making *making, const char *text)
{
	const char *copied = arena_text(&making->set->arena, text);

	making->out_of_memory |= !copied;
	return copied ?: "";
}

static bool in_scope(struct making *making, const struct process *process)
{
	const struct scope *scope = making->scope;
	const char *unit;

	if (scope->has_process &&
	    (process->tgid != scope->tgid || process->start_ns != scope->start_ns))
		return false;
	if (scope->uid >= 0 && (process->uid != scope->uid ||
				(losses_is_other(process) && !losses_is_folded(process))))
		return false;
	if (!scope->unit)
		return true;
	unit = unit_of(making, process);
	return unit && !strcmp(unit, scope->unit);
}

static bool row_in_scope(const struct scope *scope, const struct row *row)
{
	return (!scope->has_mapping_id || row->mapping_id == scope->mapping_id) &&
	       (scope->kind < 0 || row->kind == scope->kind) &&
	       (!scope->mapping || !strcmp(row->mapping, scope->mapping));
}

/* Lines. --------------------------------------------------------------------------------------- */

static struct line *find_line(struct making *making, uint64_t a, uint64_t b, bool *ret_new)
{
	uint64_t key[2] = { a, b };
	struct line *line = table_get(&making->table, key);

	*ret_new = !line;
	if (line)
		return line;
	line = arena_take(&making->set->arena, sizeof(*line));
	if (line) {
		line->key[0] = a;
		line->key[1] = b;
		line->why = KIND_COUNT;
		line->name = line->comm = line->unit = line->hottest = "";
	}
	if (!line || table_add(&making->table, line) < 0) {
		making->out_of_memory = true;
		return NULL;
	}
	return line;
}

static void name_process(struct making *making, struct line *line, const struct process *process)
{
	line->has_process = true;
	line->tgid = process->tgid;
	line->start_ns = process->start_ns;
	line->ppid = process->ppid;
	line->uid = process->uid;
	line->comm = copy(making, process->comm);
	line->unit = copy(making, unit_of(making, process) ?: "");
	line->ended = process->ended;
}

static struct line *line_of_process(struct making *making, const struct process *process)
{
	bool is_new;
	struct line *line;

	if (making->view == VIEW_UNITS) {
		const char *unit = unit_of(making, process);

		line = unit ? find_line(making, (uintptr_t)unit, 1, &is_new) : NULL;
		if (line && is_new) {
			line->name = copy(making, unit);
			line->id = id_of(line);
		}
		return line;
	}
	line = find_line(making, process->start_ns, process->tgid, &is_new);
	if (line && is_new) {
		name_process(making, line, process);
		/* exec changes the comm and keeps the process. */
		line->name = "";
		line->id = id_of(line);
		line->name = line->comm;
	}
	return line;
}

static void name_mapping(struct making *making, struct line *line, const struct row *row)
{
	line->name = copy(making, row->mapping);
	if (making->view != VIEW_FILES)
		name_process(making, line, row->process);
	if (making->view == VIEW_SPACE)
		line->mapping_id = row->mapping_id;
	line->id = id_of(line);
	line->mapping_id = row->mapping_id;
	memcpy(line->perms, row->perms, sizeof(line->perms));
}

/* NULL where the row has none. */
static struct line *line_of_context(struct making *making, const struct row *row)
{
	const struct context *context = row->context;
	char text[NAME_MAX + 32];
	const char *file;
	struct line *line;
	bool is_new;

	if (!context || (making->view == VIEW_THREADS ? !context->has_thread : !context->has_code))
		return NULL;
	if (making->view == VIEW_THREADS) {
		line = find_line(making, (uintptr_t)row->process, (uint64_t)context->tid << 8 | 6,
				 &is_new);
		if (!line || !is_new)
			return line;
		line->tid = context->tid;
		line->name = copy(making, context->thread);
		name_process(making, line, row->process);
		line->id = id_of(line) ^ (uint64_t)context->tid << 32;
		return line;
	}
	/* Equal texts are shared. */
	line = find_line(making, (uintptr_t)context->places[0].file, context->places[0].offset,
			 &is_new);
	if (!line || !is_new)
		return line;
	file = strrchr(context->places[0].file, '/');
	snprintf(text, sizeof(text), "%.*s+0x%" PRIx64, NAME_MAX,
		 file ? file + 1 : context->places[0].file, context->places[0].offset);
	line->name = copy(making, text);
	line->id = id_of(line);
	return line;
}

static struct line *line_of_row(struct making *making, const struct row *row)
{
	uint64_t process = (uintptr_t)row->process, name = (uintptr_t)row->mapping;
	struct line *line = NULL;
	bool is_new = false;

	switch (making->view) {
	case VIEW_MAPPINGS: /* the snapshot shares equal strings */
		line = find_line(making, process, name, &is_new);
		break;
	case VIEW_FILES:
		line = *row->mapping == '/' ? find_line(making, name, 2, &is_new) : NULL;
		break;
	case VIEW_SPACE:
		line = find_line(making, row->mapping_id, 3, &is_new);
		break;
	case VIEW_KINDS:
		line = find_line(making, row->kind, 4, &is_new);
		break;
	case VIEW_DETAIL:
		line = find_line(making, (uint64_t)row->kind << 16 | row->access << 8 | row->mode,
				 5, &is_new);
		break;
	case VIEW_THREADS:
	case VIEW_CODE:
		return line_of_context(making, row);
	case VIEW_LATENCY: /* a row is in many: make_latencies() */
		return NULL;
	default:
		return line_of_process(making, row->process);
	}
	if (!line || !is_new)
		return line;
	if (making->view != VIEW_KINDS && making->view != VIEW_DETAIL) {
		name_mapping(making, line, row);
		return line;
	}
	line->kind = row->kind;
	if (making->view == VIEW_DETAIL) {
		line->access = row->access;
		line->mode = row->mode;
	}
	line->name = kind_name(row->kind);
	line->id = id_of(line);
	return line;
}

/* Sums. ---------------------------------------------------------------------------------------- */

static uint64_t less(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static const struct zero_row *zero_of(const struct making *making, const struct row *row)
{
	return making->zero ? table_get(&making->zero->rows, row) : NULL;
}

static struct fault_counts row_total(const struct row *row, const struct zero_row *zero)
{
	struct fault_counts total = row->now;

	if (!zero)
		return total;
	total.minor = less(total.minor, zero->counts.minor);
	total.major = less(total.major, zero->counts.major);
	total.denied = less(total.denied, zero->counts.denied);
	total.pages = less(total.pages, zero->counts.pages);
	return total;
}

/* Zeros where nothing was measured. */
static struct latency_counts latency_total(const struct row *row, const struct zero_row *zero)
{
	struct latency_counts total = {};

	if (row->latency)
		total = row->latency->now;
	if (!zero || !zero->latency)
		return total;
	total.count = less(total.count, zero->latency->count);
	total.sum_ns = less(total.sum_ns, zero->latency->sum_ns);
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		total.buckets[i] = less(total.buckets[i], zero->latency->buckets[i]);
	return total;
}

static void add_process(struct making *making, const struct process *process)
{
	struct line *line = in_scope(making, process) ? line_of_process(making, process) : NULL;
	const struct zero_process *zero = making->zero ?
						  table_get(&making->zero->processes, process) :
						  NULL;

	if (!line)
		return;
	if (!losses_is_other(process) && (!process->ended || making->view == VIEW_PROCESSES)) {
		line->n_processes++;
		line->vsz_bytes += process->vsz_bytes;
		line->rss_bytes += process->rss_bytes;
	}
	line->delta.minor += process->minor - process->minor_before;
	line->delta.major += process->major - process->major_before;
	if (!losses_is_other(process))
		ledger_add_growth(&line->growth_bytes, ledger_growth(process));
	line->total.minor += less(process->minor, zero ? zero->minor : 0);
	line->total.major += less(process->major, zero ? zero->major : 0);
}

static void note_hottest(struct line *line, const struct row *row, const struct fault_counts *delta)
{
	uint64_t faults = line_faults(delta) + delta->denied;

	if (faults <= line->hottest_faults)
		return;
	line->hottest_faults = faults;
	line->why = row->kind;
	line->hottest = row->mapping; /* copied when it is the last */
}

/* How much of a cell of the strip lies in [begin, end), both in cells from the mapping's start. */
static double overlap(double begin, double end, size_t cell)
{
	double low = begin > (double)cell ? begin : (double)cell;
	double high = end < (double)cell + 1 ? end : (double)cell + 1;

	return high > low ? high - low : 0;
}

/* Spreads the row's faults over the cells that its slice covers, from low to high. A mapping of one
 * slice has no strip. */
static void add_heat(struct making *making, struct line *line, const struct row *row,
		     uint64_t faults)
{
	uint64_t size = row->map_end - row->map_start, begin, end;
	double per_byte = HEAT_CELLS / (double)size;

	if (!row->slice_end || row->slice_end - row->slice_start >= size || !faults)
		return;
	if (!line->heat)
		line->heat = arena_take(&making->set->arena, HEAT_CELLS * sizeof(*line->heat));
	if (!line->heat) {
		making->out_of_memory = true;
		return;
	}
	making->set->has_heat = true;
	begin = max_of(row->slice_start, row->map_start) - row->map_start;
	end = min_of(row->slice_end, row->map_end);
	if (end <= row->map_start + begin) /* beyond the edge that the mapping has now */
		return;
	end -= row->map_start;
	for (size_t i = 0; i < HEAT_CELLS; i++)
		line->heat[i] += (double)faults / ((double)(end - begin) * per_byte) *
				 overlap((double)begin * per_byte, (double)end * per_byte, i);
}

/* NULL: the view has no parts, or there is no memory. */
static struct part *part_of(struct making *making, struct line *line, const struct row *row)
{
	uint64_t key[2] = { (uintptr_t)line, making->view == VIEW_FILES ? (uintptr_t)row->process :
									  row->mapping_id };
	struct part *part;

	if (making->view != VIEW_MAPPINGS && making->view != VIEW_FILES)
		return NULL;
	part = table_get(&making->parts, key);
	if (part)
		return part;
	part = arena_take(&making->set->arena, sizeof(*part));
	if (part)
		memcpy(part->key, key, sizeof(key));
	if (part && !table_add(&making->parts, part)) {
		line->n_parts++;
		return part;
	}
	making->out_of_memory = true;
	return NULL;
}

/* Raises what a mapping can have had resident, and the line's sum of that. */
static void raise_bound(struct line *line, uint64_t *bound, uint64_t bytes)
{
	uint64_t more = bytes > *bound ? bytes - *bound : 0;

	*bound += more;
	line->bound_bytes = more < LEDGER_NO_BOUND - line->bound_bytes ? line->bound_bytes + more :
									 LEDGER_NO_BOUND;
}

/* What was brought in and copied, and how much of it can have been there at once. */
static void note_ledger(struct making *making, struct line *line, const struct row *row,
			const struct fault_counts *total)
{
	struct part *part = part_of(making, line, row);
	struct ledger ledger = ledger_of(row, total);
	uint64_t none = line->bound_bytes;

	ledger_add(&line->ledger, &ledger);
	making->set->has_copies |= ledger.copied;
	if (!ledger.brought)
		return;
	line->peak_rss_bytes = row->process->peak_rss_bytes;
	if (making->view == VIEW_MAPPINGS && part)
		raise_bound(line, &part->bound_bytes, ledger_largest(row));
	else
		raise_bound(line, &none,
			    making->view == VIEW_SPACE ? ledger_largest(row) : LEDGER_NO_BOUND);
	making->set->has_again |= line_times(line, 4096);
}

uint64_t line_times(const struct line *line, uint64_t page_size)
{
	uint64_t bound = line->bound_bytes ?: LEDGER_NO_BOUND;

	return line->has_process ?
		       ledger_times(ledger_may_repeat(&line->ledger) * page_size,
				    min_of(bound, line->peak_rss_bytes ?: LEDGER_NO_BOUND)) :
		       0;
}

static void note_extent(struct making *making, struct line *line, const struct row *row)
{
	if (making->view == VIEW_SPACE) {
		line->map_start = row->map_start;
		line->map_end = row->map_end;
	}
	line->map_bytes = max_of(line->map_bytes, row->map_end - row->map_start);
}

static void add_causes(struct line_set *set, struct line *line, const struct row *row)
{
	struct cause_counts causes;

	if (!causes_are_told(row))
		return;
	causes = causes_delta(row);
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++)
		line->by_cause[i] += causes.sum_ns[i];
	set->has_causes = true;
}

static void add_latency(struct line_set *set, const struct row *row,
			const struct latency_counts *total)
{
	struct latency_counts delta;

	if (!row->latency)
		return;
	set->has_latency = true;
	delta = latency_delta(row);
	latency_add(&set->latency, &delta);
	latency_add(&set->latency_total, total);
	set->max_ns = max_of(set->max_ns, row->latency->max_ns);
}

static void add_row(struct making *making, const struct row *row)
{
	struct fault_counts delta = row_delta(row), total;
	struct stalls stalls = latency_stalls(row);
	const struct zero_row *zero;
	struct latency_counts latency;
	struct line *line;

	if (!in_scope(making, row->process) || !row_in_scope(making->scope, row))
		return;
	zero = zero_of(making, row);
	latency = latency_total(row, zero);
	add_latency(making->set, row, &latency);
	making->set->has_threads |= row->context && row->context->has_thread;
	making->set->has_code |= row->context && row->context->has_code;
	line = line_of_row(making, row);
	if (!line)
		return;
	total = row_total(row, zero);
	note_hottest(line, row, &delta);
	add_causes(making->set, line, row);
	note_extent(making, line, row);
	note_ledger(making, line, row, &total);
	if (making->view == VIEW_SPACE)
		add_heat(making, line, row, line_faults(&total) + total.denied);
	if (making->counts_processes)
		delta.minor = delta.major = total.minor = total.major = 0;
	counts_add(&line->delta, &delta);
	counts_add(&line->total, &total);
	stalls_add(&line->stalls, &stalls);
	line->stalled_ns += latency.sum_ns;
}

static uint64_t bucket_of(const struct latency_counts *latency, unsigned int bucket)
{
	uint64_t longer = latency->count;

	if (bucket < LATENCY_BUCKETS)
		return latency->buckets[bucket];
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		longer = less(longer, latency->buckets[i]);
	return longer;
}

/* From the shortest to the longest that there was; minor stands for all that were timed. */
static void make_latencies(struct making *making)
{
	const struct line_set *set = making->set;
	char name[32], bound[TEXT_DURATION_LEN];
	unsigned int first = 0, end = LATENCY_BUCKETS + 1;

	while (first < end && !bucket_of(&set->latency_total, first))
		first++;
	while (end > first && !bucket_of(&set->latency_total, end - 1))
		end--;
	for (unsigned int i = first; i < end; i++) {
		bool is_new, is_longer = i == LATENCY_BUCKETS;
		struct line *line = find_line(making, i, 7, &is_new);

		if (!line)
			return;
		text_duration(bound, latency_bound_ns(is_longer ? i - 1 : i));
		snprintf(name, sizeof(name), "%s %s", is_longer ? "beyond" : "up to", bound);
		line->bucket = (uint8_t)i;
		line->name = copy(making, name);
		line->id = id_of(line);
		line->delta.minor = bucket_of(&set->latency, i);
		line->total.minor = bucket_of(&set->latency_total, i);
	}
}

static void add_sum(struct line *sum, const struct line *line)
{
	sum->n_processes += line->n_processes;
	sum->vsz_bytes += line->vsz_bytes;
	sum->rss_bytes += line->rss_bytes;
	sum->map_bytes += line->map_bytes;
	counts_add(&sum->delta, &line->delta);
	counts_add(&sum->total, &line->total);
	ledger_add(&sum->ledger, &line->ledger);
	ledger_add_growth(&sum->growth_bytes, line->growth_bytes);
	stalls_add(&sum->stalls, &line->stalls);
	sum->stalled_ns += line->stalled_ns;
}

int line_set_make(struct line_set *set, enum view_kind view, const struct scope *scope,
		  const struct snapshot *snapshot, const struct zero *zero)
{
	struct making making = { .set = set, .view = view, .scope = scope, .zero = zero };

	making.counts_processes = (view == VIEW_PROCESSES || view == VIEW_UNITS) &&
				  scope->kind < 0 && !scope->mapping;
	table_init(&making.table, 0, sizeof(((struct line *)0)->key));
	table_init(&making.parts, 0, sizeof(((struct part *)0)->key));
	if (making.counts_processes)
		for (size_t i = 0; i < snapshot->n_processes; i++)
			add_process(&making, snapshot->processes[i]);
	for (size_t i = 0; i < snapshot->n_rows; i++)
		add_row(&making, snapshot->rows[i]);
	if (view == VIEW_LATENCY)
		make_latencies(&making);
	set->count = making.table.count;
	set->lines = (struct line **)table_values(&making.table);
	making.out_of_memory |= set->count && !set->lines;
	for (size_t i = 0; set->lines && i < set->count; i++) {
		set->lines[i]->hottest = copy(&making, set->lines[i]->hottest);
		add_sum(&set->sum, set->lines[i]);
	}
	table_clear(&making.table);
	table_clear(&making.parts);
	interned_clear(&making.units);
	if (making.out_of_memory)
		line_set_clear(set);
	return making.out_of_memory ? -ENOMEM : 0;
}

void line_set_clear(struct line_set *set)
{
	free(set->lines);
	arena_clear(&set->arena);
	*set = (struct line_set){};
}

const struct process *scope_process(const struct scope *scope, const struct snapshot *snapshot)
{
	/* Not by the snapshot's own table: a filtered one has none. */
	for (size_t i = 0; scope->has_process && i < snapshot->n_processes; i++)
		if (snapshot->processes[i]->tgid == scope->tgid &&
		    snapshot->processes[i]->start_ns == scope->start_ns)
			return snapshot->processes[i];
	return NULL;
}

/* Zero. ---------------------------------------------------------------------------------------- */

static bool keep_process(struct zero *zero, const struct process *process)
{
	struct zero_process *kept = arena_take(&zero->arena, sizeof(*kept));

	if (!kept)
		return false;
	memcpy(kept, process, PROCESS_KEY_SIZE);
	kept->minor = process->minor;
	kept->major = process->major;
	return table_add(&zero->processes, kept) == 0;
}

static bool keep_row(struct zero *zero, const struct row *row)
{
	struct zero_row *kept = arena_take(&zero->arena, sizeof(*kept));

	if (!kept)
		return false;
	memcpy(kept, row, ROW_KEY_SIZE);
	kept->counts = row->now;
	if (row->latency) {
		kept->latency = arena_take(&zero->arena, sizeof(*kept->latency));
		if (!kept->latency)
			return false;
		*kept->latency = row->latency->now;
	}
	return table_add(&zero->rows, kept) == 0;
}

int zero_take(struct zero *zero, const struct snapshot *snapshot)
{
	struct zero taken = {};
	bool has_room = true;

	table_init(&taken.processes, 0, PROCESS_KEY_SIZE);
	table_init(&taken.rows, 0, ROW_KEY_SIZE);
	for (size_t i = 0; has_room && i < snapshot->n_processes; i++)
		has_room = keep_process(&taken, snapshot->processes[i]);
	for (size_t i = 0; has_room && i < snapshot->n_rows; i++)
		has_room = keep_row(&taken, snapshot->rows[i]);
	zero_clear(has_room ? zero : &taken);
	if (has_room)
		*zero = taken;
	return has_room ? 0 : -ENOMEM;
}

void zero_clear(struct zero *zero)
{
	table_clear(&zero->rows);
	table_clear(&zero->processes);
	arena_clear(&zero->arena);
	*zero = (struct zero){};
}
