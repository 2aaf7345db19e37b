// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_slices.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink/grid.h"
#include "base/table.h"
#include "base/text.h"
#include "base/util.h"

/* As many as the kernel's table of rows holds at a time; 6 MiB with the table. With more, the less
 * busy half of the mappings is summed up. */
#define DEFAULT_MAX_SLICES 65536
#define SHOWN_MAPPINGS 20
#define MAX_CELLS 64 /* of a strip: as wide as a terminal allows beside the other columns */

/* The faults of one slice of a mapping, over all kinds. */
struct part {
	/* identity: must stay first, it is the hash key */
	uint64_t mapping_id;
	uint64_t start, end;

	struct part *next; /* of the same mapping */
	uint64_t faults;
};
#define PART_KEY_SIZE offsetof(struct part, next)

/* A mapping. */
struct strip {
	uint64_t mapping_id; /* the hash key */
	char *name;
	char perms[5];
	uint64_t tgid;
	uint64_t start, end;  /* the largest that it was seen */
	uint64_t slice_bytes; /* of the largest slice */
	uint64_t faults;
	struct part *parts;
};

struct sink_slices {
	struct sink_slices_options options;
	struct table parts;
	struct table strips;
	uint64_t rest; /* faults of mappings that are no longer kept one by one */
	uint64_t n_rest;
};

struct sink_slices *sink_slices_new(const struct sink_slices_options *options)
{
	struct sink_slices *slices = calloc(1, sizeof(*slices));

	if (!slices)
		return NULL;
	slices->options = *options;
	if (!options->max_slices)
		slices->options.max_slices = DEFAULT_MAX_SLICES;
	table_init(&slices->parts, 0, PART_KEY_SIZE);
	table_init(&slices->strips, 0, sizeof(uint64_t));
	return slices;
}

static void strip_free(void *value)
{
	struct strip *strip = value;

	free(strip->name);
	free(strip);
}

void sink_slices_free(struct sink_slices *slices)
{
	if (!slices)
		return;
	table_clear_values(&slices->parts, free);
	table_clear_values(&slices->strips, strip_free);
	free(slices);
}

/* Keeping. ------------------------------------------------------------------------------------- */

/* The busiest first. */
static int compare_strips(const void *left, const void *right)
{
	const struct strip *a = *(const struct strip *const *)left;
	const struct strip *b = *(const struct strip *const *)right;
	int order = compare_u64(b->faults, a->faults);

	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = compare_u64(a->start, b->start);
	return order ? order : compare_u64(a->mapping_id, b->mapping_id);
}

/* All strips in order, to be freed; NULL when out of memory. */
static struct strip **sorted_strips(const struct sink_slices *slices)
{
	struct strip **strips = table_values(&slices->strips);

	if (strips)
		qsort(strips, slices->strips.count, sizeof(struct strip *), compare_strips);
	return strips;
}

/* Makes room: adds the less busy half of the mappings, with all of their slices, to the sum. */
static int drop_half(struct sink_slices *slices)
{
	size_t count = slices->strips.count;
	autofree struct strip **strips = sorted_strips(slices);

	if (!strips)
		return -ENOMEM;
	for (size_t i = count / 2; i < count; i++) {
		for (struct part *part = strips[i]->parts, *next; part; part = next) {
			next = part->next;
			table_remove(&slices->parts, part);
			free(part);
		}
		slices->rest += strips[i]->faults;
		slices->n_rest++;
		table_remove(&slices->strips, strips[i]);
		strip_free(strips[i]);
	}
	return 0;
}

/* The mapping of the row, new if need be; NULL when out of memory. */
static struct strip *strip_of(struct sink_slices *slices, const struct row *row)
{
	struct strip *strip = table_get(&slices->strips, &row->mapping_id);

	if (strip)
		return strip;
	strip = calloc(1, sizeof(*strip));
	if (!strip)
		return NULL;
	strip->mapping_id = row->mapping_id;
	memcpy(strip->perms, row->perms, sizeof(strip->perms));
	strip->tgid = row->process->tgid;
	strip->name = strdup("");
	if (!strip->name || table_add(&slices->strips, strip) < 0) {
		strip_free(strip);
		return NULL;
	}
	return strip;
}

static struct part *part_of(struct sink_slices *slices, struct strip *strip, const struct row *row)
{
	struct part key = { .mapping_id = row->mapping_id,
			    .start = row->slice_start,
			    .end = row->slice_end,
			    .next = strip->parts };
	struct part *part = table_get(&slices->parts, &key);

	if (part)
		return part;
	part = table_add_copy(&slices->parts, &key, sizeof(key));
	strip->parts = part ?: strip->parts;
	return part;
}

/* Each row says where the mapping was when it last faulted in that slice. If that differs, it has
 * moved. */
static void widen(struct strip *strip, const struct row *row)
{
	uint64_t start = row->map_start, end = row->map_end;

	if (row->slice_end <= start) /* a stack, before it grew down to the fault */
		start = row->slice_start;
	if (strip->end < start || end < strip->start) {
		strip->start = start;
		strip->end = end;
		return;
	}
	if (start < strip->start)
		strip->start = start;
	if (end > strip->end)
		strip->end = end;
}

/* The name comes a little later than the first faults. 0 or -ENOMEM. */
static int rename_strip(struct strip *strip, const char *name)
{
	char *copy;

	if (!strcmp(strip->name, name))
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	free(strip->name);
	strip->name = copy;
	return 0;
}

static int add_row(struct sink_slices *slices, const struct row *row)
{
	struct fault_counts delta = row_delta(row);
	uint64_t faults = delta.minor + delta.major;
	struct strip *strip;
	struct part *part;

	if (!faults)
		return 0;
	if (slices->parts.count >= slices->options.max_slices && drop_half(slices) < 0)
		return -ENOMEM;
	strip = strip_of(slices, row);
	part = strip ? part_of(slices, strip, row) : NULL;
	if (!part)
		return -ENOMEM;
	strip->faults += faults;
	part->faults += faults;
	if (row->slice_end - row->slice_start > strip->slice_bytes)
		strip->slice_bytes = row->slice_end - row->slice_start;
	widen(strip, row);
	return rename_strip(strip, row->mapping);
}

int sink_slices_tick(struct sink_slices *slices, const struct snapshot *snapshot,
		     struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < snapshot->n_rows && !result; i++)
		if (snapshot->rows[i]->slice)
			result = add_row(slices, snapshot->rows[i]);
	return result < 0 ? error_set(error, ENOMEM, "summing up slices: out of memory") : 0;
}

SINK_OPS(slices);

/* Printing. ------------------------------------------------------------------------------------ */

/* A strip cut into cells of equal size, so large that no slice lies in two of them. */
struct cells {
	uint64_t bytes;
	uint64_t start; /* of the first */
	size_t count;
	uint64_t faults[MAX_CELLS];
	uint64_t elsewhere; /* faults from where the mapping no longer is */
	double per_page[MAX_CELLS];
	double hottest; /* the largest of these */
};

static struct cells cut(const struct strip *strip)
{
	struct cells cells = { .bytes = strip->slice_bytes };

	while ((strip->end - 1) / cells.bytes - strip->start / cells.bytes >= MAX_CELLS)
		cells.bytes *= 2;
	cells.start = strip->start / cells.bytes * cells.bytes;
	cells.count = (strip->end - 1) / cells.bytes - strip->start / cells.bytes + 1;
	return cells;
}

static void fill(struct cells *cells, const struct strip *strip)
{
	for (const struct part *part = strip->parts; part; part = part->next) {
		uint64_t cell = (part->start - cells->start) / cells->bytes;

		if (part->start < cells->start || cell >= cells->count)
			cells->elsewhere += part->faults;
		else
			cells->faults[cell] += part->faults;
	}
}

/* The first and the last cell may go beyond the mapping: only its own pages count. */
static void heat(struct cells *cells, const struct strip *strip, uint64_t page_size)
{
	for (size_t i = 0; i < cells->count; i++) {
		uint64_t start = cells->start + i * cells->bytes, end = start + cells->bytes;

		if (start < strip->start)
			start = strip->start;
		if (end > strip->end)
			end = strip->end;
		cells->per_page[i] = (double)cells->faults[i] * (double)page_size /
				     (double)(end - start);
		if (cells->per_page[i] > cells->hottest)
			cells->hottest = cells->per_page[i];
	}
}

/* One character per cell: blank without a fault, else one of the others, the last for the
 * hottest. */
static void put_strip(const struct cells *cells, bool utf8, struct grid *grid)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" };
	const char *const *levels = utf8 ? blocks : ascii;
	size_t top = (utf8 ? ARRAY_SIZE(blocks) : ARRAY_SIZE(ascii)) - 1;
	char text[MAX_CELLS * 3 + 1] = "";
	char *end = text;

	for (size_t i = 0; i < cells->count; i++) {
		double part = cells->faults[i] ? cells->per_page[i] / cells->hottest : 0;
		size_t level = (size_t)(part * (double)top);

		if ((double)level < part * (double)top) /* upwards: one fault shows */
			level++;
		end = stpcpy(end, levels[level < top ? level : top]);
	}
	grid_format(grid, "|%s|", text);
}

static void put_mapping(const struct sink_slices *slices, const struct strip *strip, bool shows_pid,
			struct grid *grid)
{
	struct cells cells = cut(strip);

	fill(&cells, strip);
	heat(&cells, strip, slices->options.page_size);
	grid_count(grid, strip->faults);
	grid_format(grid, "%.2f", cells.hottest);
	grid_bytes(grid, cells.bytes);
	grid_count(grid, cells.elsewhere);
	if (shows_pid)
		grid_format(grid, "%" PRIu64, strip->tgid);
	else
		grid_empty(grid);
	grid_format(grid, "%" PRIx64, strip->start);
	grid_format(grid, "%" PRIx64, strip->end);
	put_strip(&cells, slices->options.utf8, grid);
	grid_name(grid, strip->perms);
	grid_name(grid, strip->name);
}

static const struct grid_column columns[] = {
	{ .title = "FAULTS" },
	{ .title = "MAX" },
	{ .title = "CELL" },
	{ .title = "ELSEWHERE", .optional = true },
	{ .title = "PID", .optional = true },
	{ .title = "START" },
	{ .title = "END" },
	{ .title = "FAULTS PER PAGE", .left = true },
	{ .title = "PERMS", .left = true },
	{ .title = "MAPPING", .left = true },
};

static void put_rest(uint64_t count, uint64_t faults, struct grid *grid)
{
	grid_count(grid, faults);
	for (size_t i = 1; i + 1 < ARRAY_SIZE(columns); i++)
		grid_empty(grid);
	grid_format(grid, "(%" PRIu64 " more)", count);
}

static void print_header(const struct sink_slices_options *options, FILE *stream)
{
	char size[TEXT_SIZE_LEN], count[TEXT_COUNT_LEN];

	text_count(count, options->slices_max);
	if (options->is_automatic)
		fprintf(stream, "slices: sized automatically, at most %s of each mapping", count);
	else
		fprintf(stream, "slices: of %s, or larger, so that a mapping has at most %s",
			text_bytes(size, options->slice_bytes), count);
	fputs("; MAX is the hottest cell's faults per page\n\n", stream);
}

int sink_slices_print(struct sink_slices *slices, FILE *stream)
{
	size_t count = slices->strips.count, shown = count;
	autofree struct strip **strips = sorted_strips(slices);
	struct grid *grid = grid_new(columns, ARRAY_SIZE(columns));
	uint64_t rest = slices->rest;
	bool several = false;
	int result = -ENOMEM;

	if (strips && grid) {
		if (!slices->options.show_all && count > SHOWN_MAPPINGS)
			shown = SHOWN_MAPPINGS;
		for (size_t i = 1; i < shown; i++)
			several |= strips[i]->tgid != strips[0]->tgid;
		for (size_t i = 0; i < shown; i++)
			put_mapping(slices, strips[i], several, grid);
		for (size_t i = shown; i < count; i++)
			rest += strips[i]->faults;
		if (slices->n_rest + count > shown)
			put_rest(slices->n_rest + count - shown, rest, grid);
		print_header(&slices->options, stream);
		result = grid_print(grid, stream, 2, 0);
	}
	grid_free(grid);
	return result;
}
