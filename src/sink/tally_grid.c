// SPDX-License-Identifier: GPL-2.0-only
#include "sink/tally_grid.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "base/util.h"
#include "model/kinds.h"
#include "sink/grid.h"

/* From this width on there is room for less important columns. */
#define WIDE 100
/* Of a place in memory: see below. */
#define ROW_INDENT 2

#define VIEW(by) (1U << (by))
#define ALL_VIEWS (VIEW(BY_ROW + 1) - 1)
#define OF_ONE (VIEW(BY_PROCESS) | VIEW(BY_THREAD) | VIEW(BY_MAPPING) | VIEW(BY_ROW))
#define OF_PROCESSES                                                                     \
	(VIEW(BY_UNIT) | VIEW(BY_CGROUP) | VIEW(BY_COMM) | VIEW(BY_EXE) | VIEW(BY_UID) | \
	 VIEW(BY_PARENT))
#define PLACES (VIEW(BY_THREAD) | VIEW(BY_MAPPING) | VIEW(BY_FILE) | VIEW(BY_KIND) | VIEW(BY_ROW))

/* What a cell is drawn from, beside the tally. */
struct line_context {
	const struct tally_grid_view *view;
	const char *name; /* of a sum: "total"; NULL: the tally's */
	bool has_kinds;   /* of the rest, of which nothing else says what it is */
};

typedef void (*cell_fn)(const struct line_context *context, const struct tally *tally,
			struct grid *grid);

enum shown {
	ALWAYS,
	WHEN_SORTED,
	WITH_LATENCY,
	WHEN_WIDE,
	WITH_SEVERAL,
	WITH_COMMANDS,
	WITHOUT_COMMANDS,
};

/* The one description of a column: title, place and cells. */
struct column {
	struct grid_column grid;
	unsigned int views;
	bool is_live;
	enum shown shown;
	int sort; /* enum tally_sort that this column answers, or NO_SORT */
	cell_fn cell;
};
#define NO_SORT (-1)

/* Cells: who. ---------------------------------------------------------------------------------- */

static bool is_sum(const struct line_context *context)
{
	return context->name != NULL;
}

static void cell_pid(const struct line_context *context, const struct tally *tally,
		     struct grid *grid)
{
	if (tally->tgid && !is_sum(context))
		grid_format(grid, "%" PRIu64, tally->tgid);
	else
		grid_empty(grid);
}

static void cell_user(const struct line_context *context, const struct tally *tally,
		      struct grid *grid)
{
	char name[USER_LEN];

	if (tally->tgid && !is_sum(context))
		grid_name(grid, users_name(context->view->users, tally->uid, name));
	else
		grid_empty(grid);
}

static void cell_comm(const struct line_context *context, const struct tally *tally,
		      struct grid *grid)
{
	if (is_sum(context))
		grid_format(grid, "%s", context->view->by == BY_PROCESS ? context->name : "");
	else if (context->view->by == BY_PROCESS && !tally->tgid)
		grid_name(grid, tally->name);
	else
		grid_name(grid, tally->comm);
}

static void cell_processes(const struct line_context *context, const struct tally *tally,
			   struct grid *grid)
{
	bool is_live = context->view->is_live && grouping_is_of_processes(context->view->by);
	uint64_t count = is_live ? tally->n_live : tally->n_processes;

	if (is_live || (count && !tally->tgid && !is_sum(context)))
		grid_count(grid, count);
	else
		grid_empty(grid);
}

static void grid_size(struct grid *grid, uint64_t bytes)
{
	if (bytes)
		grid_bytes(grid, bytes);
	else
		grid_empty(grid);
}

static void cell_vsz(const struct line_context *context, const struct tally *tally,
		     struct grid *grid)
{
	(void)context;
	grid_size(grid, tally->vsz_bytes);
}

static void cell_rss(const struct line_context *context, const struct tally *tally,
		     struct grid *grid)
{
	(void)context;
	grid_size(grid, tally->rss_bytes);
}

static void cell_size(const struct line_context *context, const struct tally *tally,
		      struct grid *grid)
{
	grid_size(grid, is_sum(context) ? 0 : tally->map_bytes);
}

static void cell_place_size(const struct line_context *context, const struct tally *tally,
			    struct grid *grid)
{
	if (tally->mapping_id && !is_sum(context))
		grid_bytes(grid, tally->map_end - tally->map_start);
	else
		grid_empty(grid);
}

static void cell_address(const struct line_context *context, const struct tally *tally,
			 struct grid *grid)
{
	if (tally->mapping_id && !is_sum(context))
		grid_format(grid, "%" PRIx64, tally->map_start);
	else
		grid_empty(grid);
}

static void cell_kinds(const struct line_context *context, const struct tally *tally,
		       struct grid *grid)
{
	char kinds[128] = "";

	if (is_sum(context) && !context->has_kinds)
		grid_empty(grid);
	else if (context->view->by == BY_ROW && !is_sum(context))
		grid_format(grid, "%s", kind_name(tally->kind));
	else {
		tally_kinds(tally, kinds, sizeof(kinds));
		grid_format(grid, "%s", kinds);
	}
}

static void cell_access(const struct line_context *context, const struct tally *tally,
			struct grid *grid)
{
	if (is_sum(context))
		grid_empty(grid);
	else
		grid_format(grid, "%s%s", access_name(tally->access),
			    tally->mode == MODE_KERNEL ? " kernel" : "");
}

static void cell_perms(const struct line_context *context, const struct tally *tally,
		       struct grid *grid)
{
	grid_name(grid, is_sum(context) ? "" : tally->perms);
}

/* With the number of mappings that are this line, of one process. */
static void cell_name(const struct line_context *context, const struct tally *tally,
		      struct grid *grid)
{
	autofree char *name = NULL;

	if (is_sum(context)) {
		grid_format(grid, "%s", context->name);
		return;
	}
	name = text_escape(*tally->name ? tally->name : "-");
	if (tally->n_mappings > 1 && name)
		grid_format(grid, "%s (%" PRIu64 ")", name, tally->n_mappings);
	else if (context->view->by == BY_COMM && tally->n_processes > 1 && name)
		grid_format(grid, "%s (%" PRIu64 ")", name, tally->n_processes);
	else
		grid_take(grid, TAKE_PTR(name));
}

static void cell_hottest(const struct line_context *context, const struct tally *tally,
			 struct grid *grid)
{
	(void)context;
	grid_name(grid, tally->hottest ? tally->hottest->mapping : "");
}

/* Cells: how much. ----------------------------------------------------------------------------- */

/* By the kernel's own count where there is one. */
static uint64_t minor_of(const struct line_context *context, const struct tally *tally)
{
	return grouping_is_of_processes(context->view->by) ? tally->minor : tally->counts.minor;
}

static uint64_t major_of(const struct line_context *context, const struct tally *tally)
{
	return grouping_is_of_processes(context->view->by) ? tally->major : tally->counts.major;
}

static uint64_t per_second(const struct line_context *context, uint64_t count)
{
	uint64_t interval_ns = context->view->interval_ns;

	return interval_ns ? (uint64_t)((double)count * 1e9 / (double)interval_ns + 0.5) : 0;
}

/* Per second; few faults with a decimal, none as a plain 0. */
static void grid_rate(const struct line_context *context, struct grid *grid, uint64_t count)
{
	uint64_t interval_ns = context->view->interval_ns;
	double rate = interval_ns ? (double)count * 1e9 / (double)interval_ns : 0;

	if (rate > 0 && rate < 10)
		grid_format(grid, "%.1f", rate);
	else
		grid_count(grid, per_second(context, count));
}

static void cell_rate(const struct line_context *context, const struct tally *tally,
		      struct grid *grid)
{
	grid_rate(context, grid, tally_faults(tally));
}

static void cell_minor_rate(const struct line_context *context, const struct tally *tally,
			    struct grid *grid)
{
	grid_rate(context, grid, minor_of(context, tally));
}

static void cell_major_rate(const struct line_context *context, const struct tally *tally,
			    struct grid *grid)
{
	grid_rate(context, grid, major_of(context, tally));
}

static void cell_denied_rate(const struct line_context *context, const struct tally *tally,
			     struct grid *grid)
{
	grid_rate(context, grid, tally->counts.denied);
}

static void cell_pages_rate(const struct line_context *context, const struct tally *tally,
			    struct grid *grid)
{
	grid_rate(context, grid, tally->counts.pages);
}

static void cell_bytes_rate(const struct line_context *context, const struct tally *tally,
			    struct grid *grid)
{
	grid_bytes(grid, per_second(context, tally->counts.pages * context->view->page_size));
}

static void cell_stall_rate(const struct line_context *context, const struct tally *tally,
			    struct grid *grid)
{
	grid_duration(grid, per_second(context, tally->stalls.sum_ns));
}

static void cell_minor_total(const struct line_context *context, const struct tally *tally,
			     struct grid *grid)
{
	grid_count(grid, grouping_is_of_processes(context->view->by) ? tally->minor_total :
								       tally->total.minor);
}

static void cell_major_total(const struct line_context *context, const struct tally *tally,
			     struct grid *grid)
{
	grid_count(grid, grouping_is_of_processes(context->view->by) ? tally->major_total :
								       tally->total.major);
}

static void cell_denied_total(const struct line_context *context, const struct tally *tally,
			      struct grid *grid)
{
	(void)context;
	grid_count(grid, tally->total.denied);
}

static void cell_faults(const struct line_context *context, const struct tally *tally,
			struct grid *grid)
{
	(void)context;
	grid_count(grid, tally_faults(tally));
}

static void cell_minor(const struct line_context *context, const struct tally *tally,
		       struct grid *grid)
{
	(void)context;
	grid_count(grid, tally->counts.minor);
}

static void cell_major(const struct line_context *context, const struct tally *tally,
		       struct grid *grid)
{
	grid_count(grid, major_of(context, tally));
}

static void cell_denied(const struct line_context *context, const struct tally *tally,
			struct grid *grid)
{
	(void)context;
	grid_count(grid, tally->counts.denied);
}

static void cell_bytes(const struct line_context *context, const struct tally *tally,
		       struct grid *grid)
{
	grid_bytes(grid, tally->counts.pages * context->view->page_size);
}

static void cell_stall(const struct line_context *context, const struct tally *tally,
		       struct grid *grid)
{
	(void)context;
	if (tally->stalls.count)
		grid_duration(grid, tally->stalls.sum_ns);
	else
		grid_empty(grid);
}

static void cell_average(const struct line_context *context, const struct tally *tally,
			 struct grid *grid)
{
	(void)context;
	if (tally->stalls.count)
		grid_duration(grid, tally->stalls.sum_ns / tally->stalls.count);
	else
		grid_empty(grid);
}

static void cell_longest(const struct line_context *context, const struct tally *tally,
			 struct grid *grid)
{
	(void)context;
	if (tally->stalls.count)
		grid_duration(grid, tally->stalls.max_ns);
	else
		grid_empty(grid);
}

static void cell_why(const struct line_context *context, const struct tally *tally,
		     struct grid *grid)
{
	(void)context;
	grid_format(grid, "%s", tally_why(tally));
}

static void cell_times(const struct line_context *context, const struct tally *tally,
		       struct grid *grid)
{
	uint64_t times = is_sum(context) ? 0 : tally_times(tally, context->view->page_size);

	if (times)
		grid_format(grid, "%" PRIu64 "x", times);
	else
		grid_empty(grid);
}

static void cell_copied(const struct line_context *context, const struct tally *tally,
			struct grid *grid)
{
	grid_size(grid, tally->ledger_total.copied * context->view->page_size);
}

/* Per second; with its sign. */
static void cell_growth(const struct line_context *context, const struct tally *tally,
			struct grid *grid)
{
	uint64_t bytes = (uint64_t)(tally->growth_bytes < 0 ? -tally->growth_bytes :
							      tally->growth_bytes);
	char text[TEXT_SIZE_LEN];

	if (per_second(context, bytes))
		grid_format(grid, "%c%s", tally->growth_bytes < 0 ? '-' : '+',
			    text_bytes(text, per_second(context, bytes)));
	else
		grid_empty(grid);
}

/* Columns. ------------------------------------------------------------------------------------- */

#define RIGHT(name)           \
	{                     \
		.title = name \
	}
#define OPTIONAL(name)                          \
	{                                       \
		.title = name, .optional = true \
	}
#define LEFT(name)                          \
	{                                   \
		.title = name, .left = true \
	}
#define OPTIONAL_LEFT(name)                                   \
	{                                                     \
		.title = name, .left = true, .optional = true \
	}
#define WORDS(name)                                                        \
	{                                                                  \
		.title = name, .left = true, .flexible = true, .least = 14 \
	}
#define NAME(name)                                                                            \
	{                                                                                     \
		.title = name, .left = true, .flexible = true, .least = 22, .keeps_end = true \
	}
#define BUT(views) (ALL_VIEWS & ~(views))

static const struct column columns[] = {
	/* `top`: who, then rates, then totals, then where. */
	{ RIGHT("PID"), OF_ONE, true, ALWAYS, SORT_PID, cell_pid },
	{ LEFT("USER"), VIEW(BY_PROCESS), true, WHEN_WIDE, NO_SORT, cell_user },
	{ LEFT("COMM"), OF_ONE, true, ALWAYS, NO_SORT, cell_comm },
	{ RIGHT("PROCS"), OF_PROCESSES | VIEW(BY_FILE), true, ALWAYS, NO_SORT, cell_processes },
	{ RIGHT("VSZ"), VIEW(BY_PROCESS), true, WHEN_WIDE, SORT_VSZ, cell_vsz },
	{ RIGHT("VSZ"), OF_PROCESSES, true, WHEN_SORTED, SORT_VSZ, cell_vsz },
	{ RIGHT("RSS"), VIEW(BY_PROCESS) | OF_PROCESSES, true, ALWAYS, SORT_RSS, cell_rss },
	{ RIGHT("SIZE"), VIEW(BY_MAPPING) | VIEW(BY_ROW), true, WHEN_WIDE, NO_SORT, cell_size },
	{ OPTIONAL("GROWTH/s"), VIEW(BY_PROCESS) | OF_PROCESSES, true, WHEN_WIDE, NO_SORT,
	  cell_growth },
	{ OPTIONAL("COPIED"), VIEW(BY_PROCESS) | VIEW(BY_MAPPING) | OF_PROCESSES, true, WHEN_WIDE,
	  NO_SORT, cell_copied },
	{ OPTIONAL("AGAIN"), VIEW(BY_PROCESS) | VIEW(BY_MAPPING), true, ALWAYS, NO_SORT,
	  cell_times },
	{ RIGHT("FAULTS/s"), ALL_VIEWS, true, WHEN_SORTED, SORT_RATE, cell_rate },
	{ RIGHT("MIN/s"), ALL_VIEWS, true, ALWAYS, SORT_MINOR, cell_minor_rate },
	{ RIGHT("MAJ/s"), ALL_VIEWS, true, ALWAYS, SORT_MAJOR, cell_major_rate },
	{ OPTIONAL("DENY/s"), ALL_VIEWS, true, ALWAYS, SORT_DENIED, cell_denied_rate },
	{ RIGHT("PAGES/s"), ALL_VIEWS, true, WHEN_SORTED, SORT_PAGES, cell_pages_rate },
	{ RIGHT("BYTES/s"), ALL_VIEWS, true, WHEN_SORTED, SORT_BYTES, cell_bytes_rate },
	{ RIGHT("STALL/s"), ALL_VIEWS, true, WITH_LATENCY, SORT_STALL, cell_stall_rate },
	{ RIGHT("MINOR"), ALL_VIEWS, true, WHEN_WIDE, NO_SORT, cell_minor_total },
	{ RIGHT("MAJOR"), ALL_VIEWS, true, WHEN_WIDE, NO_SORT, cell_major_total },
	{ RIGHT("DENIED"), PLACES, true, WHEN_WIDE, NO_SORT, cell_denied_total },
	{ RIGHT("DENIED"), BUT(PLACES), true, WHEN_SORTED, SORT_DENIED, cell_denied_total },
	{ OPTIONAL_LEFT("WHY"), ALL_VIEWS, true, ALWAYS, NO_SORT, cell_why },
	{ WORDS("KIND"), BUT(VIEW(BY_KIND)), true, ALWAYS, NO_SORT, cell_kinds },
	{ LEFT("ACCESS"), VIEW(BY_ROW), true, ALWAYS, NO_SORT, cell_access },
	{ LEFT("PERMS"), VIEW(BY_ROW), true, WHEN_WIDE, NO_SORT, cell_perms },
	{ NAME("HOTTEST"), VIEW(BY_PROCESS), true, WITHOUT_COMMANDS, NO_SORT, cell_hottest },
	{ WORDS("COMMAND"), VIEW(BY_PROCESS), true, WITH_COMMANDS, SORT_NAME, cell_name },
	{ NAME("MAPPING"), VIEW(BY_MAPPING) | VIEW(BY_ROW), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("THREAD"), VIEW(BY_THREAD), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("FILE"), VIEW(BY_FILE), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("KIND"), VIEW(BY_KIND), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("CGROUP"), VIEW(BY_CGROUP), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("UNIT"), VIEW(BY_UNIT), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("COMM"), VIEW(BY_COMM), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("EXE"), VIEW(BY_EXE), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("USER"), VIEW(BY_UID), true, ALWAYS, SORT_NAME, cell_name },
	{ NAME("PARENT"), VIEW(BY_PARENT), true, ALWAYS, SORT_NAME, cell_name },

	/* `run` and `report`: what it cost, then where. */
	{ RIGHT("MINOR"), VIEW(BY_ROW), false, ALWAYS, SORT_MINOR, cell_minor },
	{ RIGHT("FAULTS"), BUT(VIEW(BY_ROW)), false, ALWAYS, SORT_FAULTS, cell_faults },
	{ RIGHT("MAJOR"), VIEW(BY_ROW), false, ALWAYS, SORT_MAJOR, cell_major },
	{ OPTIONAL("MAJOR"), BUT(VIEW(BY_ROW)), false, ALWAYS, SORT_MAJOR, cell_major },
	{ OPTIONAL("DENIED"), ALL_VIEWS, false, ALWAYS, SORT_DENIED, cell_denied },
	{ OPTIONAL("STALL"), BUT(VIEW(BY_ROW)), false, ALWAYS, SORT_STALL, cell_stall },
	{ OPTIONAL("MAX"), BUT(VIEW(BY_ROW)), false, WHEN_WIDE, NO_SORT, cell_longest },
	{ OPTIONAL_LEFT("WHY"), BUT(VIEW(BY_ROW)), false, ALWAYS, NO_SORT, cell_why },
	{ RIGHT("RATE/s"), ALL_VIEWS, false, WHEN_SORTED, SORT_RATE, cell_rate },
	{ RIGHT("BYTES"), ALL_VIEWS, false, ALWAYS, SORT_BYTES, cell_bytes },
	{ OPTIONAL("AGAIN"), VIEW(BY_PROCESS) | VIEW(BY_MAPPING), false, ALWAYS, NO_SORT,
	  cell_times },
	{ OPTIONAL("AVG"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_average },
	{ OPTIONAL("MAX"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_longest },
	{ OPTIONAL_LEFT("WHY"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_why },
	{ RIGHT("RSS"), VIEW(BY_PROCESS) | OF_PROCESSES, false, WHEN_WIDE, SORT_RSS, cell_rss },
	{ RIGHT("VSZ"), VIEW(BY_PROCESS) | OF_PROCESSES, false, WHEN_SORTED, SORT_VSZ, cell_vsz },
	{ LEFT("KIND"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_kinds },
	{ WORDS("KIND"), BUT(VIEW(BY_ROW) | VIEW(BY_KIND)), false, ALWAYS, NO_SORT, cell_kinds },
	{ LEFT("ACCESS"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_access },
	{ LEFT("PERMS"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_perms },
	{ OPTIONAL("PROCS"), VIEW(BY_ROW), false, WITH_SEVERAL, NO_SORT, cell_processes },
	{ OPTIONAL("PROCS"), BUT(VIEW(BY_ROW) | VIEW(BY_COMM)), false, WHEN_WIDE, NO_SORT,
	  cell_processes },
	{ OPTIONAL("PID"), OF_ONE, false, WITH_SEVERAL, SORT_PID, cell_pid },
	{ OPTIONAL("SIZE"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_place_size },
	{ OPTIONAL("ADDRESS"), VIEW(BY_ROW), false, ALWAYS, NO_SORT, cell_address },
	{ LEFT("MAPPING"), VIEW(BY_ROW), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("MAPPING"), VIEW(BY_MAPPING), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("THREAD"), VIEW(BY_THREAD), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("FILE"), VIEW(BY_FILE), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("KIND"), VIEW(BY_KIND), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("PROCESS"), VIEW(BY_PROCESS), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("CGROUP"), VIEW(BY_CGROUP), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("UNIT"), VIEW(BY_UNIT), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("COMM"), VIEW(BY_COMM), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("EXE"), VIEW(BY_EXE), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("USER"), VIEW(BY_UID), false, ALWAYS, SORT_NAME, cell_name },
	{ NAME("PARENT"), VIEW(BY_PARENT), false, ALWAYS, SORT_NAME, cell_name },
};

/* What makes room for the line's name, in this order; `top` keeps PID. */
static const cell_fn spare[] = { cell_denied, cell_why, cell_bytes, cell_denied_rate, cell_pid };

static bool is_wide(const struct tally_grid_view *view)
{
	return view->is_live ? !view->width || view->width >= WIDE : view->width >= WIDE;
}

static bool is_shown(const struct column *column, const struct tally_grid_view *view)
{
	bool is_sorted_by = column->sort == (int)view->sort;

	if (!(column->views & VIEW(view->by)) || column->is_live != view->is_live)
		return false;
	switch (column->shown) {
	case WHEN_SORTED:
		return is_sorted_by;
	case WITH_LATENCY:
		return is_sorted_by || view->has_latency;
	case WHEN_WIDE:
		return is_sorted_by || is_wide(view);
	case WITH_SEVERAL:
		return view->has_several;
	case WITH_COMMANDS:
		return view->has_commands;
	case WITHOUT_COMMANDS:
		return !view->has_commands;
	default:
		return true;
	}
}

/* Chosen columns. ------------------------------------------------------------------------------ */

static bool is_of(const struct column *column, enum grouping_by by, bool is_live)
{
	return column->views & VIEW(by) && column->is_live == is_live;
}

static int fail_column(const char *name, enum grouping_by by, bool is_live, struct error *error)
{
	struct nearest nearest = {};
	char shown[64], upper[64], all[256] = "";

	text_escape_to(shown, sizeof(shown), name);
	for (size_t i = 0; i < sizeof(upper); i++)
		upper[i] = (char)(shown[i] >= 'a' && shown[i] <= 'z' ? shown[i] - 32 : shown[i]);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		size_t length = strlen(all);

		if (!is_of(&columns[i], by, is_live))
			continue;
		nearest_try(&nearest, upper, columns[i].grid.title);
		snprintf(all + length, sizeof(all) - length, "%s%s", length ? "," : "",
			 columns[i].grid.title);
	}
	if (nearest.word)
		return error_set(error, EINVAL,
				 "--columns: no column \"%s\" with --by %s; did you mean %s?",
				 shown, grouping_words[by], nearest.word);
	return error_set(error, EINVAL, "--columns: no column \"%s\" with --by %s; there are %s",
			 shown, grouping_words[by], all);
}

static int add_column(const char *name, enum grouping_by by, bool is_live,
		      struct tally_columns *chosen, struct error *error)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(columns) &&
	       (!is_of(&columns[i], by, is_live) || strcasecmp(columns[i].grid.title, name)))
		i++;
	if (i == ARRAY_SIZE(columns))
		return fail_column(name, by, is_live, error);
	if (chosen->count == TALLY_COLUMNS_MAX)
		return error_set(error, EINVAL, "--columns: more than %d", TALLY_COLUMNS_MAX);
	chosen->index[chosen->count++] = (unsigned char)i;
	return 0;
}

int tally_columns_parse(const char *names, enum grouping_by by, bool is_live,
			struct tally_columns *ret_columns, struct error *error)
{
	autofree char *copy = strdup(names);
	struct tally_columns chosen = {};
	char *rest = copy, *name;
	int result = copy ? 0 : error_set(error, ENOMEM, "--columns: out of memory");

	while (!result && (name = strsep(&rest, ",")))
		result = add_column(name, by, is_live, &chosen, error);
	if (!result)
		*ret_columns = chosen;
	return result;
}

/* Which there are, and how many. */
static size_t get_columns(const struct tally_grid_view *view,
			  const struct column *ret_columns[ARRAY_SIZE(columns)])
{
	size_t count = 0;

	if (view->columns && view->columns->count) {
		for (size_t i = 0; i < view->columns->count; i++)
			ret_columns[i] = &columns[view->columns->index[i]];
		return view->columns->count;
	}
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (is_shown(&columns[i], view))
			ret_columns[count++] = &columns[i];
	return count;
}

/* Lines. --------------------------------------------------------------------------------------- */

static struct grid *new_grid(const struct tally_grid_view *view, const struct column *const *shown,
			     size_t n_shown)
{
	struct grid_column titles[ARRAY_SIZE(columns)];
	bool are_chosen = view->columns && view->columns->count;

	for (size_t i = 0; i < n_shown; i++) {
		titles[i] = shown[i]->grid;
		for (size_t j = 0; j < ARRAY_SIZE(spare) - view->is_live; j++)
			if (shown[i]->cell == spare[j])
				titles[i].expendable = (unsigned int)j + 1;
		if (are_chosen || shown[i]->sort == (int)view->sort)
			titles[i].expendable = titles[i].optional = false;
	}
	return grid_new(titles, n_shown);
}

/* One line; of a sum with its name. */
static void put(const struct tally_grid_view *view, const struct tally *tally, const char *name,
		struct grid *grid)
{
	const struct column *shown[ARRAY_SIZE(columns)];
	size_t n_shown = get_columns(view, shown);
	const struct line_context context = {
		.view = view, .name = name, .has_kinds = name && *name == '(' && view->by != BY_ROW
	};

	for (size_t i = 0; i < n_shown; i++)
		shown[i]->cell(&context, tally, grid);
	if (view->has_colour && (tally->counts.denied || major_of(&context, tally)))
		grid_mark(grid, tally->counts.denied ? GRID_DENIED : GRID_MAJOR);
}

int tally_grid_print(const struct tally_grid_view *view, const struct tallies *tallies,
		     const struct tally *ended, FILE *stream)
{
	bool is_places = view->by == BY_ROW && !view->is_live;
	const struct column *shown[ARRAY_SIZE(columns)];
	struct tally total = tallies->total;
	struct grid *grid = new_grid(view, shown, get_columns(view, shown));
	char text[64];
	int result;

	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < tallies->shown; i++)
		put(view, tallies->list[i], NULL, grid);
	snprintf(text, sizeof(text), "(%" PRIu64 " more)", tallies->n_rest);
	if (tallies->n_rest)
		put(view, &tallies->rest, text, grid);
	if (ended) {
		put(view, ended, "(exited)", grid);
		tally_add(&total, ended);
	}
	put(view, &total, "total", grid);
	if (view->has_colour)
		grid_use_colour(grid);
	result = grid_print(grid, stream, is_places ? ROW_INDENT : 0, is_places ? 0 : view->width);
	grid_free(grid);
	return result;
}
