// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_table_data.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "model/losses.h"
#include "base/text.h"
#include "base/util.h"

#define VIEW(by) (1U << (by))
#define GROUP_VIEWS (VIEW(BY_CGROUP) | VIEW(BY_UNIT))
#define ALL_VIEWS (VIEW(BY_PROCESS) | VIEW(BY_MAPPING) | VIEW(BY_KIND) | GROUP_VIEWS)
#define SORT_NONE (-1)

static uint64_t value_faults(const struct line *line)
{
	return faults_of(&line->delta);
}

static uint64_t value_minor(const struct line *line)
{
	return line->delta.minor;
}

static uint64_t value_major(const struct line *line)
{
	return line->delta.major;
}

static uint64_t value_denied(const struct line *line)
{
	return line->delta.denied;
}

static uint64_t value_pages(const struct line *line)
{
	return line->delta.pages;
}

static uint64_t value_stalled(const struct line *line)
{
	return line->stalled_ns;
}

static uint64_t value_rss(const struct line *line)
{
	return line->rss_bytes;
}

static uint64_t value_vsz(const struct line *line)
{
	return line->vsz_bytes;
}

static uint64_t value_pid(const struct line *line)
{
	return line->process ? line->process->tgid : 0;
}

/* Per second; few faults with a decimal, none as a plain 0. */
static void grid_rate(struct grid *grid, uint64_t count, uint64_t interval_ns)
{
	double rate = interval_ns ? (double)count * 1e9 / (double)interval_ns : 0;

	if (rate > 0 && rate < 10)
		grid_format(grid, "%.1f", rate);
	else
		grid_count(grid, (uint64_t)(rate + 0.5));
}

static void cell_minor_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.minor, sink->snapshot->interval_ns);
}

static void cell_major_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.major, sink->snapshot->interval_ns);
}

static void cell_denied_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.denied, sink->snapshot->interval_ns);
}

static void cell_pages_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	grid_rate(grid, line->delta.pages, sink->snapshot->interval_ns);
}

static void cell_stalled_rate(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	uint64_t interval_ns = sink->snapshot->interval_ns;

	grid_duration(grid, interval_ns ? (uint64_t)((double)line->stalled_ns * 1e9 /
							     (double)interval_ns +
						     0.5) :
					  0);
}

static void cell_minor(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->total.minor);
}

static void cell_major(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->total.major);
}

static void cell_denied(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->total.denied);
}

static void cell_pid(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	if (line->process)
		grid_format(grid, "%" PRIu32, line->process->tgid);
	else
		grid_empty(grid);
}

static void cell_processes(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_count(grid, line->n_processes);
}

static void grid_size(struct grid *grid, uint64_t bytes)
{
	if (bytes)
		grid_bytes(grid, bytes);
	else
		grid_empty(grid);
}

static void cell_vsz(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_size(grid, line->vsz_bytes);
}

static void cell_rss(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_size(grid, line->rss_bytes);
}

static void cell_size(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_size(grid, line->map_bytes);
}

static void cell_name(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_name(grid, *line->name ? line->name : "-");
}

static void cell_comm(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	(void)sink;
	grid_name(grid, line->process ? line->process->comm : "");
}

static void cell_hottest(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	autofree char *mapping = line->hottest ? text_escape(line->hottest->mapping) : NULL;

	(void)sink;
	if (!line->hottest)
		grid_empty(grid);
	else if (mapping)
		grid_format(grid, "%s%s%s", kind_name(line->hottest->kind), *mapping ? " " : "",
			    mapping);
	else
		grid_take(grid, NULL);
}

/* The user's name, looked up once per uid: the answer may come from a directory server. */
static const char *user_name(struct sink_table *sink, uint32_t uid)
{
	struct passwd entry, *found = NULL;
	char buffer[4096]; /* an entry that is longer shows as the number */
	struct user *user;

	for (size_t i = 0; i < sink->n_users; i++)
		if (sink->users[i].uid == uid)
			return sink->users[i].name;
	if (sink->n_users == MAX_USERS)
		return NULL;
	user = &sink->users[sink->n_users++];
	user->uid = uid;
	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
	    strlen(entry.pw_name) < USER_LEN)
		strcpy(user->name, entry.pw_name);
	else
		snprintf(user->name, USER_LEN, "%" PRIu32, uid);
	return user->name;
}

static void cell_user(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	bool is_one = line->process && !losses_is_other(line->process);
	const char *name = is_one ? user_name(sink, line->process->uid) : "";

	if (name)
		grid_name(grid, name);
	else
		grid_format(grid, "%" PRIu32, line->process->uid);
}

#define RIGHT(name)           \
	{                     \
		.title = name \
	}
#define LEFT(name)                          \
	{                                   \
		.title = name, .left = true \
	}
#define NAME(name)                                            \
	{                                                     \
		.title = name, .left = true, .flexible = true \
	}

static const struct column columns[] = {
	{ RIGHT("PID"), VIEW(BY_PROCESS) | VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_PID, true, cell_pid,
	  value_pid },
	{ LEFT("USER"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_NONE, true, cell_user, NULL },
	{ LEFT("COMM"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
	{ LEFT("COMM"), VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_NONE, true, cell_comm, NULL },
	{ RIGHT("PROCS"), GROUP_VIEWS, SHOWN_ALWAYS, SORT_NONE, false, cell_processes, NULL },
	{ RIGHT("VSZ"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_VSZ, false, cell_vsz, value_vsz },
	{ RIGHT("RSS"), VIEW(BY_PROCESS) | GROUP_VIEWS, SHOWN_ALWAYS, SORT_RSS, false, cell_rss,
	  value_rss },
	{ RIGHT("SIZE"), VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_NONE, false, cell_size, NULL },
	{ RIGHT("FAULTS/s"), ALL_VIEWS, SHOWN_NEVER, SORT_FAULTS, false, NULL, value_faults },
	{ RIGHT("MIN/s"), ALL_VIEWS, SHOWN_ALWAYS, SORT_MINOR, false, cell_minor_rate,
	  value_minor },
	{ RIGHT("MAJ/s"), ALL_VIEWS, SHOWN_ALWAYS, SORT_MAJOR, false, cell_major_rate,
	  value_major },
	{ RIGHT("DENY/s"), ALL_VIEWS, SHOWN_WHEN_SORTED, SORT_DENIED, false, cell_denied_rate,
	  value_denied },
	{ RIGHT("PAGES/s"), ALL_VIEWS, SHOWN_WHEN_SORTED, SORT_PAGES, false, cell_pages_rate,
	  value_pages },
	{ RIGHT("STALL/s"), ALL_VIEWS, SHOWN_WITH_LATENCY, SORT_STALL, false, cell_stalled_rate,
	  value_stalled },
	{ RIGHT("MINOR"), ALL_VIEWS, SHOWN_ALWAYS, SORT_NONE, false, cell_minor, NULL },
	{ RIGHT("MAJOR"), ALL_VIEWS, SHOWN_ALWAYS, SORT_NONE, false, cell_major, NULL },
	{ RIGHT("DENIED"), VIEW(BY_MAPPING) | VIEW(BY_KIND), SHOWN_ALWAYS, SORT_NONE, false,
	  cell_denied, NULL },
	{ RIGHT("DENIED"), VIEW(BY_PROCESS) | GROUP_VIEWS, SHOWN_WHEN_SORTED, SORT_DENIED, false,
	  cell_denied, value_denied },
	{ NAME("HOTTEST"), VIEW(BY_PROCESS), SHOWN_ALWAYS, SORT_NONE, true, cell_hottest, NULL },
	{ NAME("MAPPING"), VIEW(BY_MAPPING), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
	{ NAME("KIND"), VIEW(BY_KIND), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
	{ NAME("CGROUP"), VIEW(BY_CGROUP), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
	{ NAME("UNIT"), VIEW(BY_UNIT), SHOWN_ALWAYS, SORT_NAME, true, cell_name, NULL },
};

const struct column *sink_table_column_for(enum table_by by, enum table_sort sort)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if ((columns[i].views & VIEW(by)) && columns[i].sort == (int)sort)
			return &columns[i];
	return NULL;
}

bool sink_table_can_sort(enum table_by by, enum table_sort sort)
{
	return sink_table_column_for(by, sort) != NULL;
}

static bool column_is_shown(const struct column *column, const struct sink_table *sink)
{
	bool is_sorted_by = column->sort == (int)sink->options.sort;

	if (!(column->views & VIEW(sink->options.by)))
		return false;
	switch (column->shown) {
	case SHOWN_ALWAYS:
		return true;
	case SHOWN_WHEN_SORTED:
		return is_sorted_by;
	case SHOWN_WITH_LATENCY:
		return is_sorted_by || sink->has_latency;
	default:
		return false;
	}
}

struct grid *sink_table_new_grid(const struct sink_table *sink)
{
	struct grid_column shown[ARRAY_SIZE(columns)];
	size_t n_shown = 0;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (column_is_shown(&columns[i], sink))
			shown[n_shown++] = columns[i].grid;
	return grid_new(shown, n_shown);
}

void sink_table_put(struct sink_table *sink, const struct line *line, struct grid *grid)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (column_is_shown(&columns[i], sink))
			columns[i].cell(sink, line, grid);
}
