// SPDX-License-Identifier: GPL-2.0-only
#include "term/columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "model/stall_causes.h"
#include "term/strips.h"

#define VIEW(view) (1U << (view))
#define PROCESSES VIEW(VIEW_PROCESSES)
#define UNITS VIEW(VIEW_UNITS)
#define MAPPINGS VIEW(VIEW_MAPPINGS)
#define FILES VIEW(VIEW_FILES)
#define KINDS VIEW(VIEW_KINDS)
#define SPACE VIEW(VIEW_SPACE)
#define DETAIL VIEW(VIEW_DETAIL)
#define THREADS VIEW(VIEW_THREADS)
#define CODE VIEW(VIEW_CODE)
#define LATENCY VIEW(VIEW_LATENCY)
#define ALL (((1U << VIEW_COUNT) - 1) & ~LATENCY)

#define GAP 1
#define WIDE_COMMAND 36
#define WIDE_SCREEN 100

/* Values. -------------------------------------------------------------------------------------- */

static uint64_t value_faults(const struct line *line)
{
	return line_faults(&line->delta) + line->delta.denied;
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

static uint64_t value_stall(const struct line *line)
{
	return line->stalls.sum_ns;
}

static uint64_t value_stalled(const struct line *line)
{
	return line->stalled_ns;
}

static uint64_t value_total(const struct line *line)
{
	return line_faults(&line->total) + line->total.denied;
}

static uint64_t value_minor_total(const struct line *line)
{
	return line->total.minor;
}

static uint64_t value_major_total(const struct line *line)
{
	return line->total.major;
}

static uint64_t value_denied_total(const struct line *line)
{
	return line->total.denied;
}

static uint64_t value_pages(const struct line *line)
{
	return line->total.pages;
}

static uint64_t value_copied(const struct line *line)
{
	return line->ledger.copied;
}

static uint64_t value_again(const struct line *line)
{
	return line_times(line, 4096); /* for the order it may be of any size */
}

/* The largest growth first, what shrank last. */
static uint64_t value_growth(const struct line *line)
{
	return (uint64_t)line->growth_bytes + (UINT64_C(1) << 63);
}

static uint64_t value_rss(const struct line *line)
{
	return line->rss_bytes;
}

static uint64_t value_vsz(const struct line *line)
{
	return line->vsz_bytes;
}

static uint64_t value_size(const struct line *line)
{
	return line->map_bytes;
}

static uint64_t value_pid(const struct line *line)
{
	return line->tgid;
}

static uint64_t value_tid(const struct line *line)
{
	return line->tid;
}

static uint64_t value_bucket(const struct line *line)
{
	return line->bucket;
}

static uint64_t value_address(const struct line *line)
{
	return line->map_start;
}

static uint64_t value_parts(const struct line *line)
{
	return line->n_parts;
}

static uint64_t value_processes(const struct line *line)
{
	return line->n_processes;
}

static const char *text_name(const struct line *line)
{
	return line->name;
}

static const char *text_hottest(const struct line *line)
{
	return line->hottest;
}

static const char *text_unit(const struct line *line)
{
	return line->unit;
}

static const char *text_why(const struct line *line)
{
	return line->why < KIND_COUNT ? kind_name(line->why) : "";
}

static const char *text_finding(const struct line *line)
{
	return line->finding ?: "";
}

/* Cells. --------------------------------------------------------------------------------------- */

char *column_count(char text[CELL_LEN], double count)
{
	static const char letters[] = "MGTPE";
	double unit = 1e6;
	size_t i = 0;

	if (count < 999999.5)
		return text_count(text, (uint64_t)(count + 0.5));
	while (letters[i + 1] && count / unit >= 999.5) {
		unit *= 1000;
		i++;
	}
	snprintf(text, CELL_LEN,
		 count / unit < 9.995 ? "%.2f%c" :
		 count / unit < 99.95 ? "%.1f%c" :
					"%.0f%c",
		 count / unit, letters[i]);
	return text;
}

/* Per second; few with a decimal, none as a plain 0. */
static void put_rate(char text[CELL_LEN], uint64_t count, const struct column_context *context)
{
	double seconds = (double)context->interval_ns / 1e9;
	double rate = seconds > 0 ? (double)count / seconds : 0;

	if (rate > 0 && rate < 9.95)
		snprintf(text, CELL_LEN, "%.1f", rate);
	else
		column_count(text, rate);
}

/* With all digits while they fit. */
static void put_total(char text[CELL_LEN], uint64_t count)
{
	if (count < 100000000)
		text_count(text, count);
	else
		column_count(text, (double)count);
}

#define RATE_CELL(name, member)                                               \
	static void cell_##name(char text[CELL_LEN], const struct line *line, \
				const struct column_context *context)         \
	{                                                                     \
		put_rate(text, line->member, context);                        \
	}
#define TOTAL_CELL(name, member)                                              \
	static void cell_##name(char text[CELL_LEN], const struct line *line, \
				const struct column_context *context)         \
	{                                                                     \
		(void)context;                                                \
		put_total(text, line->member);                                \
	}
#define SIZE_CELL(name, member)                                               \
	static void cell_##name(char text[CELL_LEN], const struct line *line, \
				const struct column_context *context)         \
	{                                                                     \
		(void)context;                                                \
		*text = '\0';                                                 \
		if (line->member)                                             \
			text_bytes(text, line->member);                       \
	}

RATE_CELL(minor, delta.minor)
RATE_CELL(major, delta.major)
RATE_CELL(denied, delta.denied)
TOTAL_CELL(minor_total, total.minor)
TOTAL_CELL(major_total, total.major)
TOTAL_CELL(denied_total, total.denied)
TOTAL_CELL(parts, n_parts)
TOTAL_CELL(processes, n_processes)
SIZE_CELL(vsz, vsz_bytes)
SIZE_CELL(rss, rss_bytes)
SIZE_CELL(size, map_bytes)

static void cell_faults(char text[CELL_LEN], const struct line *line,
			const struct column_context *context)
{
	put_rate(text, value_faults(line), context);
}

static void cell_pages(char text[CELL_LEN], const struct line *line,
		       const struct column_context *context)
{
	*text = '\0';
	if (line->total.pages)
		text_bytes(text, line->total.pages * context->page_size);
}

static void cell_copied(char text[CELL_LEN], const struct line *line,
			const struct column_context *context)
{
	*text = '\0';
	if (line->ledger.copied)
		text_bytes(text, line->ledger.copied * context->page_size);
}

static void cell_again(char text[CELL_LEN], const struct line *line,
		       const struct column_context *context)
{
	uint64_t times = line_times(line, context->page_size);

	*text = '\0';
	if (times)
		snprintf(text, CELL_LEN, "%" PRIu64 "x", times);
}

/* Per second of the interval, with its sign; nothing where it stands still. */
static void cell_growth(char text[CELL_LEN], const struct line *line,
			const struct column_context *context)
{
	double seconds = (double)context->interval_ns / 1e9;
	uint64_t bytes = (uint64_t)(line->growth_bytes < 0 ? -line->growth_bytes :
							     line->growth_bytes);

	*text = '\0';
	if (!bytes || seconds <= 0)
		return;
	*text = line->growth_bytes < 0 ? '-' : '+';
	text_bytes(text + 1, (uint64_t)((double)bytes / seconds + 0.5));
}

static void cell_total(char text[CELL_LEN], const struct line *line,
		       const struct column_context *context)
{
	(void)context;
	put_total(text, value_total(line));
}

/* Per second of the interval. */
static void cell_stall(char text[CELL_LEN], const struct line *line,
		       const struct column_context *context)
{
	double seconds = (double)context->interval_ns / 1e9;

	text_duration(text,
		      seconds > 0 ? (uint64_t)((double)line->stalls.sum_ns / seconds + 0.5) : 0);
}

static void cell_stalled(char text[CELL_LEN], const struct line *line,
			 const struct column_context *context)
{
	(void)context;
	text_duration(text, line->stalled_ns);
}

static void cell_longest(char text[CELL_LEN], const struct line *line,
			 const struct column_context *context)
{
	(void)context;
	text_duration(text, line->stalls.max_ns);
}

static void cell_pid(char text[CELL_LEN], const struct line *line,
		     const struct column_context *context)
{
	(void)context;
	*text = '\0';
	if (line->has_process)
		snprintf(text, CELL_LEN, "%" PRIu32, line->tgid);
}

static void cell_tid(char text[CELL_LEN], const struct line *line,
		     const struct column_context *context)
{
	(void)context;
	snprintf(text, CELL_LEN, "%" PRIu32, line->tid);
}

/* The one that took most of the stalls, and its part of them; nothing where that is the fault's own
 * work. */
static void cell_cause(char text[CELL_LEN], const struct line *line,
		       const struct column_context *context)
{
	unsigned int cause = causes_worst(line->by_cause);

	(void)context;
	*text = '\0';
	if (cause != STALL_CAUSE_COUNT && cause != STALL_CPU && line->stalls.sum_ns)
		snprintf(text, CELL_LEN, "%s %.0f%%", stall_cause_name(cause),
			 (double)line->by_cause[cause] * 100 / (double)line->stalls.sum_ns);
}

static void cell_user(char text[CELL_LEN], const struct line *line,
		      const struct column_context *context)
{
	char name[USER_LEN];

	*text = '\0';
	if (line->has_process && line->tgid)
		text_escape_to(text, CELL_LEN, users_name(context->users, line->uid, name));
}

/* The lines that lead to a process from its parent. */
static size_t put_branch(char text[CELL_LEN], const struct line *line, bool ascii)
{
	size_t length = 0;

	*text = '\0';
	for (unsigned int i = 1; i < line->depth && i < RAILS_MAX; i++)
		length += (size_t)snprintf(text + length, CELL_LEN - length, "%s",
					   !(line->rails >> i & 1) ? "   " :
					   ascii                   ? "|  " :
								     "│  ");
	if (line->depth)
		length += (size_t)snprintf(text + length, CELL_LEN - length, "%s",
					   ascii         ? (line->is_last ? "`- " : "|- ") :
					   line->is_last ? "└─ " :
							   "├─ ");
	return length;
}

static void cell_comm(char text[CELL_LEN], const struct line *line,
		      const struct column_context *context)
{
	const char *command = context->command ? context->command(context->context, line) : NULL;
	size_t length = context->is_tree ? put_branch(text, line, context->ascii) : 0;

	if (line->ended)
		text[length++] = '(';
	text_escape_to(text + length, CELL_LEN - length - 1, command ?: line->comm);
	if (line->ended)
		strcat(text, ")");
}

static void cell_name(char text[CELL_LEN], const struct line *line,
		      const struct column_context *context)
{
	(void)context;
	text_escape_to(text, CELL_LEN, *line->name ? line->name : "-");
}

static void cell_unit(char text[CELL_LEN], const struct line *line,
		      const struct column_context *context)
{
	(void)context;
	text_escape_to(text, CELL_LEN, line->unit);
}

static void cell_hottest(char text[CELL_LEN], const struct line *line,
			 const struct column_context *context)
{
	(void)context;
	text_escape_to(text, CELL_LEN, line->hottest);
}

static void cell_why(char text[CELL_LEN], const struct line *line,
		     const struct column_context *context)
{
	(void)context;
	strcpy(text, text_why(line));
}

static void cell_finding(char text[CELL_LEN], const struct line *line,
			 const struct column_context *context)
{
	(void)context;
	strcpy(text, text_finding(line));
}

static void cell_access(char text[CELL_LEN], const struct line *line,
			const struct column_context *context)
{
	(void)context;
	strcpy(text, access_name(line->access));
}

static void cell_mode(char text[CELL_LEN], const struct line *line,
		      const struct column_context *context)
{
	(void)context;
	strcpy(text, mode_name(line->mode));
}

static void cell_address(char text[CELL_LEN], const struct line *line,
			 const struct column_context *context)
{
	(void)context;
	snprintf(text, CELL_LEN, "%" PRIx64, line->map_start);
}

static void cell_perms(char text[CELL_LEN], const struct line *line,
		       const struct column_context *context)
{
	(void)context;
	strcpy(text, line->perms);
}

#define SHARE_CELLS 8

/* The line's part of all faults of the interval; where there were none, of all since the zero. */
static void cell_share(char text[CELL_LEN], const struct line *line,
		       const struct column_context *context)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	uint64_t all = value_faults(context->sum), part = value_faults(line);
	unsigned int filled;

	if (!all) {
		all = line_faults(&context->sum->total);
		part = line_faults(&line->total);
	}
	*text = '\0';
	if (!part || !all)
		return;
	filled =
		(unsigned int)min_of((uint64_t)((double)part / (double)all * SHARE_CELLS * 8 + 0.5),
				     SHARE_CELLS * 8);
	for (unsigned int i = 0; i < filled / 8; i++)
		strcat(text, context->ascii ? "#" : "█");
	if (context->ascii)
		strcat(text, filled % 8 >= 4 ? "#" : *text ? "" : ".");
	else
		strcat(text, *text || filled ? eighths[filled % 8] : eighths[1]);
}

/* The table. ----------------------------------------------------------------------------------- */

#define NUMBER(name_, title_, width_) .name = name_, .title = title_, .width = width_
#define WORD(name_, title_, width_) NUMBER(name_, title_, width_), .left = true
#define REST(name_, title_, least_) \
	.name = name_, .title = title_, .left = true, .keeps_end = true, .least = least_

/* importance: on a narrow screen the columns with the largest number are left out first. */
static const struct column columns[] = {
	{ NUMBER("pid", "PID", 7), .views = PROCESSES | MAPPINGS | THREADS, .ascending = true,
	  .cell = cell_pid, .value = value_pid },
	{ WORD("user", "USER", 10), .views = PROCESSES, .importance = 30, .cell = cell_user },
	{ NUMBER("tid", "TID", 7), .views = THREADS, .ascending = true, .cell = cell_tid,
	  .value = value_tid },
	{ WORD("thread", "THREAD", 15), .views = THREADS, .ascending = true, .cell = cell_name,
	  .text = text_name },
	{ WORD("comm", "COMMAND", 15), .views = PROCESSES | MAPPINGS | THREADS, .importance = 1,
	  .ascending = true, .cell = cell_comm, .text = text_name },
	{ WORD("unit", "UNIT", 24), .views = PROCESSES, .importance = 70, .ascending = true,
	  .cell = cell_unit, .text = text_unit },
	{ REST("name", "UNIT", 16), .views = UNITS, .ascending = true, .cell = cell_name,
	  .text = text_name },
	{ WORD("kind", "KIND", 16), .views = KINDS | DETAIL, .ascending = true, .cell = cell_name,
	  .text = text_name },
	{ WORD("access", "ACCESS", 7), .views = DETAIL, .importance = 1, .cell = cell_access },
	{ WORD("mode", "MODE", 6), .views = DETAIL, .importance = 2, .cell = cell_mode },
	{ WORD("latency", "LATENCY", 14), .views = LATENCY, .ascending = true, .cell = cell_name,
	  .value = value_bucket },
	{ NUMBER("faults", "TIMED/s", 9), .views = LATENCY, .importance = 2, .cell = cell_faults,
	  .value = value_faults },
	{ NUMBER("total", "TIMED", 10), .views = LATENCY, .importance = 30, .cell = cell_total,
	  .value = value_total },
	{ NUMBER("processes", "PROCS", 6), .views = UNITS, .importance = 10, .cell = cell_processes,
	  .value = value_processes },
	{ NUMBER("processes", "PROCS", 6), .views = FILES, .importance = 10, .cell = cell_parts,
	  .value = value_parts },
	{ NUMBER("parts", "PARTS", 6), .views = MAPPINGS, .importance = 50, .cell = cell_parts,
	  .value = value_parts },
	{ NUMBER("address", "ADDRESS", 16), .views = SPACE, .importance = 30, .ascending = true,
	  .cell = cell_address, .value = value_address },
	{ WORD("perms", "PERM", 4), .views = SPACE, .importance = 70, .cell = cell_perms },
	{ NUMBER("size", "SIZE", 6), .views = MAPPINGS | FILES | SPACE, .importance = 12,
	  .cell = cell_size, .value = value_size },
	{ NUMBER("vsz", "VSZ", 6), .views = PROCESSES, .importance = 90, .cell = cell_vsz,
	  .value = value_vsz },
	{ NUMBER("rss", "RSS", 6), .views = PROCESSES | UNITS, .importance = 12, .cell = cell_rss,
	  .value = value_rss },
	{ NUMBER("faulted", "IN", 6), .views = ALL & ~DETAIL, .importance = 50, .cell = cell_pages,
	  .value = value_pages },
	{ NUMBER("growth", "GROWTH/s", 8), .views = PROCESSES | UNITS, .importance = 51,
	  .cell = cell_growth, .value = value_growth },
	{ NUMBER("copied", "COPIED", 6), .views = PROCESSES | UNITS | MAPPINGS | SPACE,
	  .with_copies = true, .importance = 52, .cell = cell_copied, .value = value_copied },
	{ NUMBER("again", "AGAIN", 7), .views = PROCESSES | MAPPINGS | SPACE, .with_again = true,
	  .importance = 43, .cell = cell_again, .value = value_again },
	{ NUMBER("total", "FAULTS", 10), .views = SPACE | DETAIL, .importance = 1,
	  .cell = cell_total, .value = value_total },
	{ NUMBER("faults", "FAULTS/s", 9), .views = ALL, .importance = 2, .cell = cell_faults,
	  .value = value_faults },
	{ NUMBER("minor", "MINOR/s", 8), .views = ALL, .importance = 55, .cell = cell_minor,
	  .value = value_minor },
	{ NUMBER("major", "MAJOR/s", 8), .views = ALL, .importance = 4, .cell = cell_major,
	  .value = value_major },
	{ NUMBER("denied", "DENIED/s", 9), .views = ALL, .only_sorted = true, .importance = 2,
	  .cell = cell_denied, .value = value_denied },
	{ NUMBER("stall", "STALL/s", 8), .views = ALL, .with_latency = true, .importance = 13,
	  .cell = cell_stall, .value = value_stall },
	{ NUMBER("total", "FAULTS", 10), .views = MAPPINGS | FILES | KINDS | THREADS | CODE,
	  .importance = 14, .cell = cell_total, .value = value_total },
	{ NUMBER("minor_total", "MINOR", 10), .views = ALL, .importance = 40,
	  .cell = cell_minor_total, .value = value_minor_total },
	{ NUMBER("major_total", "MAJOR", 9), .views = ALL, .importance = 45,
	  .cell = cell_major_total, .value = value_major_total },
	{ NUMBER("denied_total", "DENIED", 7), .views = ALL & ~(PROCESSES | UNITS),
	  .importance = 55, .cell = cell_denied_total, .value = value_denied_total },
	{ NUMBER("stalled", "STALLED", 8), .views = ALL, .with_latency = true, .importance = 60,
	  .cell = cell_stalled, .value = value_stalled },
	{ NUMBER("longest", "LONGEST", 7), .views = KINDS | DETAIL, .with_latency = true,
	  .importance = 47, .cell = cell_longest },
	{ WORD("cause", "STALLED BY", 15), .views = ALL, .with_causes = true, .importance = 42,
	  .cell = cell_cause },
	{ WORD("share", "SHARE", SHARE_CELLS), .views = ALL | LATENCY, .importance = 41,
	  .cell = cell_share },
	{ WORD("heat", "LOW to HIGH", HEAT_CELLS), .views = SPACE, .with_heat = true,
	  .importance = 35, .cell = strip_heat },
	{ WORD("kind", "KIND", 15), .views = ALL & ~(KINDS | DETAIL), .importance = 11,
	  .ascending = true, .cell = cell_why, .text = text_why },
	{ WORD("finding", "FINDING", 16), .views = PROCESSES, .with_finding = true,
	  .importance = 20, .cell = cell_finding, .text = text_finding },
	{ REST("hottest", "HOTTEST MAPPING", 15), .views = PROCESSES | KINDS | THREADS,
	  .importance = 5, .ascending = true, .cell = cell_hottest, .text = text_hottest },
	{ WORD("hottest", "HOTTEST MAPPING", 24), .views = UNITS | CODE, .keeps_end = true,
	  .importance = 30, .ascending = true, .cell = cell_hottest, .text = text_hottest },
	{ REST("mapping", "MAPPING", 18), .views = MAPPINGS, .ascending = true, .cell = cell_name,
	  .text = text_name },
	{ REST("mapping", "MAPPING", 12), .views = SPACE, .ascending = true, .cell = cell_name,
	  .text = text_name },
	{ REST("time", "OLDER to NEWER", 20), .views = LATENCY, .cell = strip_time },
	{ REST("code", "CODE", 24), .views = CODE, .ascending = true, .cell = cell_name,
	  .text = text_name },
	{ REST("file", "FILE", 16), .views = FILES, .ascending = true, .cell = cell_name,
	  .text = text_name },
};

size_t columns_of(enum view_kind view, const struct column *ret_columns[COLUMNS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (columns[i].views & VIEW(view) && count < COLUMNS_MAX)
			ret_columns[count++] = &columns[i];
	return count;
}

const struct column *columns_find(enum view_kind view, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (columns[i].views & VIEW(view) && !strcmp(columns[i].name, name))
			return columns[i].value || columns[i].text ? &columns[i] : NULL;
	return NULL;
}

const struct column *columns_default(enum view_kind view)
{
	return columns_find(view, view == VIEW_SPACE   ? "address" :
				  view == VIEW_LATENCY ? "latency" :
				  view == VIEW_DETAIL  ? "total" :
							 "faults");
}

static bool is_wanted(const struct column *column, const struct column *sorted,
		      const struct shown_with *with)
{
	if (column == sorted)
		return true;
	if (column->only_sorted)
		return false;
	return (with->latency || !column->with_latency) && (with->heat || !column->with_heat) &&
	       (with->causes || !column->with_causes) && (with->copies || !column->with_copies) &&
	       (with->again || !column->with_again) && (with->findings || !column->with_finding);
}

/* Command lines and trees have more to say than a name, where there is room. */
static unsigned int width_of(const struct column *column, bool is_wide)
{
	if (is_wide && !strcmp(column->name, "comm"))
		return WIDE_COMMAND + GAP;
	return (column->width ?: column->least) + GAP;
}

/* Leaves out the least important column that is shown; false: none can be left out. */
static bool drop_one(const struct column *const *shown, bool *keeps, size_t count,
		     const struct column *sorted)
{
	size_t worst = count;

	for (size_t i = 0; i < count; i++) {
		if (!keeps[i] || !shown[i]->importance || shown[i] == sorted)
			continue;
		if (worst == count || shown[i]->importance > shown[worst]->importance)
			worst = i;
	}
	if (worst == count)
		return false;
	keeps[worst] = false;
	return true;
}

size_t columns_place(enum view_kind view, const struct column *sorted,
		     const struct shown_with *with, unsigned int width,
		     struct placed ret_placed[COLUMNS_MAX])
{
	const struct column *shown[COLUMNS_MAX];
	bool keeps[COLUMNS_MAX];
	size_t count = columns_of(view, shown), n_placed = 0;
	bool is_wide = with->commands && width >= WIDE_SCREEN;
	unsigned int needed, x = 0;

	for (size_t i = 0; i < count; i++)
		keeps[i] = is_wanted(shown[i], sorted, with);
	do {
		needed = 0;
		for (size_t i = 0; i < count; i++)
			needed += keeps[i] ? width_of(shown[i], is_wide) : 0;
	} while (needed > width + GAP && drop_one(shown, keeps, count, sorted));
	for (size_t i = 0; i < count && x < width; i++) {
		unsigned int own = keeps[i] ? width_of(shown[i], is_wide) - GAP : 0;

		if (!keeps[i])
			continue;
		if (!shown[i]->width && needed < width + GAP)
			own += width + GAP - needed;
		ret_placed[n_placed++] = (struct placed){ shown[i], x,
							  (unsigned int)min_of(own, width - x) };
		x += own + GAP;
	}
	return n_placed;
}
