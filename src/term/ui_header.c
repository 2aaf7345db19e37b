// SPDX-License-Identifier: GPL-2.0-only
/* What stands above the table: where and when, rates with their last minute, memory, losses. */
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"
#include "base/util.h"
#include "term/ui_data.h"

#define TEXT_LEN 768
/* Of a sparkline: a minute of intervals of a second. */
#define SPARK_MOST 60
/* From here on the header has two columns. */
#define TWO_COLUMNS 100
/* And below this a short title. */
#define NARROW 60

static const char *const figure_names[FIGURE_COUNT] = { "Faults", "Major", "Denied", "Stalled" };

/* Figures. ------------------------------------------------------------------------------------- */

static char *put_figure(char text[CELL_LEN], enum figure figure, double rate)
{
	if (figure == FIGURE_STALL)
		return text_duration(text, (uint64_t)(rate * 1e9 + 0.5));
	if (rate > 0 && rate < 9.95)
		snprintf(text, CELL_LEN, "%.1f", rate);
	else
		column_count(text, rate);
	return text;
}

/* One of eight heights; a rate above 0 is never as low as 0. */
static const char *spark(double rate, double most, bool ascii)
{
	static const char *const bars[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[] = { "_", ".", ":", "-", "=", "+", "*", "#" };
	size_t level = most > 0 ? (size_t)(rate / most * 7 + 0.5) : 0;

	if (rate > 0 && !level)
		level = 1;
	if (rate < 0)
		return " ";
	return ascii ? plain[min_of(level, 7)] : bars[min_of(level, 7)];
}

static void draw_spark(const struct ui *ui, struct canvas *canvas, unsigned int y, unsigned int x,
		       unsigned int width, enum figure figure)
{
	double most = 0;

	width = (unsigned int)min_of(width, SPARK_MOST);
	for (unsigned int i = 0; i < width; i++) {
		double rate = trend_at(&ui->trend, figure, i);

		most = rate > most ? rate : most;
	}
	for (unsigned int i = 0; i < width; i++)
		canvas_put(canvas, y, x + width - 1 - i, 1, STYLE_BAR,
			   spark(trend_at(&ui->trend, figure, i), most, canvas->ascii));
}

static enum style style_of(enum figure figure, double rate)
{
	return rate <= 0               ? STYLE_DIM :
	       figure == FIGURE_FAULTS ? STYLE_STRONG :
	       figure == FIGURE_DENIED ? STYLE_BAD :
					 STYLE_WARN;
}

/* "Faults   12,345/s  minute   9,876/s  ▁▂▃▅" */
static void draw_figure(const struct ui *ui, struct canvas *canvas, unsigned int y,
			unsigned int width, enum figure figure)
{
	double now = trend_now(&ui->trend, figure);
	char text[CELL_LEN], line[CELL_LEN + 16];

	canvas_put(canvas, y, 1, width, STYLE_LABEL, figure_names[figure]);
	snprintf(line, sizeof(line), "%s/s", put_figure(text, figure, now));
	canvas_fit(canvas, y, 9, 10, style_of(figure, now), line, FIT_RIGHT);
	if (width < 40)
		return;
	snprintf(line, sizeof(line), "%s/s",
		 put_figure(text, figure, trend_minute(&ui->trend, figure)));
	canvas_put(canvas, y, 21, width, STYLE_LABEL, "minute");
	canvas_fit(canvas, y, 27, 11, STYLE_PLAIN, line, FIT_RIGHT);
	if (width > 44)
		draw_spark(ui, canvas, y, 40, width - 42, figure);
}

/* On one line, for small screens: as many as there is room for. */
static void draw_figures(const struct ui *ui, struct canvas *canvas, unsigned int y)
{
	static const char *const names[FIGURE_COUNT] = { "faults", "major", "denied", "stalled" };
	unsigned int x = 0;

	for (enum figure figure = 0; figure < FIGURE_COUNT; figure++) {
		double now = trend_now(&ui->trend, figure);
		char text[CELL_LEN], line[CELL_LEN + 32];
		unsigned int columns;

		snprintf(line, sizeof(line), "%s %s/s", names[figure],
			 put_figure(text, figure, now));
		columns = canvas_columns(canvas, line);
		if (x && x + columns > canvas->width)
			break;
		x += canvas_put(canvas, y, x, canvas->width - x, style_of(figure, now), line) + 2;
	}
}

/* Bars. ---------------------------------------------------------------------------------------- */

/* "Mem[|||||     1.2G/16G]" */
static void draw_bar(struct canvas *canvas, unsigned int y, unsigned int x, unsigned int width,
		     const char *name, uint64_t used, uint64_t total)
{
	char text[2 * TEXT_SIZE_LEN + 2], a[TEXT_SIZE_LEN], b[TEXT_SIZE_LEN];
	unsigned int label = canvas_put(canvas, y, x, width, STYLE_LABEL, name);
	unsigned int inside, filled, columns;

	if (width < label + 8)
		return;
	inside = width - label - 2;
	snprintf(text, sizeof(text), "%s/%s", text_bytes(a, used), text_bytes(b, total));
	columns = canvas_columns(canvas, text);
	filled = total ? (unsigned int)((double)used / (double)total * inside + 0.5) : 0;
	canvas_put(canvas, y, x + label, 1, STYLE_STRONG, "[");
	for (unsigned int i = 0; i < inside && i < filled; i++)
		canvas_put(canvas, y, x + label + 1 + i, 1,
			   (uint64_t)filled * 10 >= (uint64_t)inside * 9 ? STYLE_BAD : STYLE_BAR,
			   "|");
	canvas_put(canvas, y, x + label + 1 + inside, 1, STYLE_STRONG, "]");
	if (columns < inside)
		canvas_put(canvas, y, x + label + 1 + inside - columns, columns, STYLE_PLAIN, text);
}

static void draw_memory(const struct ui *ui, struct canvas *canvas, unsigned int y, unsigned int x,
			unsigned int width, bool on_one_line)
{
	const struct ui_memory *memory = &ui->memory;
	unsigned int half = on_one_line && memory->swap_total ? (width - 2) / 2 : width;

	if (width < 2 || x >= canvas->width) /* else a width below 0 is one of 4 billion cells */
		return;
	draw_bar(canvas, y, x, half, "Mem", memory->total - memory->available, memory->total);
	if (memory->swap_total)
		draw_bar(canvas, on_one_line ? y : y + 1, on_one_line ? x + half + 2 : x, half,
			 "Swp", memory->swap_total - memory->swap_free, memory->swap_total);
}

/* Losses. -------------------------------------------------------------------------------------- */

/* Returns whether there are any. */
static bool put_losses(char *text, size_t size, const struct totals *totals)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < totals_count; i++) {
		const struct total *total = &totals_table[i];
		char count[TEXT_COUNT_LEN];

		if (!total->words || total->is_no_loss || !total_is_counted(totals, total) ||
		    !total_of(totals, total))
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%s %s",
					   length ? ", " : "LOSSES: ",
					   text_count(count, total_of(totals, total)),
					   total->words);
		if (length >= size)
			break;
	}
	return *text;
}

/* The whole. ----------------------------------------------------------------------------------- */

/* "PAUSED  2026-11-22T10:08:55Z  1s", or what of it fits beside a short name: the time of day. */
static void put_clock(char *text, size_t size, const struct ui *ui, bool is_narrow)
{
	const struct snapshot *snapshot = ui->view.snapshot;
	char when[TEXT_TIME_LEN] = "", speed[32] = "", every[32] = "";
	bool is_replay = ui->options.is_replay, has_day = is_replay && !is_narrow;
	double seconds = (double)ui->options.interval_ms / 1e3;

	if (snapshot)
		text_time(when, snapshot->ts);
	if (snapshot && is_replay)
		seconds = (double)(snapshot->interval_ns / 1000000) / 1e3;
	else if (snapshot && ui->options.is_remote)
		seconds = (double)((snapshot->interval_ns + 5000000) / 10000000) / 1e2;
	if (ui->is_cut_off)
		snprintf(speed, sizeof(speed), "NOT CONNECTED  ");
	else if (is_replay && ui->is_paused)
		snprintf(speed, sizeof(speed), "PAUSED  ");
	else if (is_replay)
		snprintf(speed, sizeof(speed), is_narrow ? "x%g  " : "replay x%g  ", ui->speed);
	if (!is_narrow && seconds > 0)
		snprintf(every, sizeof(every), "  %gs", seconds);
	snprintf(text, size, "%s%.*s%s%s", speed, has_day ? 19 : 8,
		 strlen(when) > 19 ? when + (has_day ? 0 : 11) : "", *when ? "Z" : "", every);
}

static void draw_title(struct ui *ui, struct canvas *canvas)
{
	char text[TEXT_LEN];
	unsigned int columns;

	put_clock(text, sizeof(text), ui, canvas->width < NARROW);
	columns = canvas_columns(canvas, text);
	if (columns + 4 < canvas->width)
		canvas_put(canvas, 0, canvas->width - columns - 1, columns, STYLE_LABEL, text);
	else
		columns = 0;
	snprintf(text, sizeof(text), "%s%s%s%s%s", *ui->host ? ui->host : "faultmap",
		 *ui->kernel ? "  Linux " : "", ui->kernel, *ui->detail ? "  detail " : "",
		 ui->detail);
	if (canvas->width > columns + 3)
		canvas_fit(canvas, 0, 1, canvas->width - columns - 3, STYLE_STRONG, text, FIT_LEFT);
}

/* Four figures, and memory beside or below them. */
static unsigned int draw_tall(struct ui *ui, struct canvas *canvas)
{
	bool two = canvas->width >= TWO_COLUMNS;
	unsigned int width = two ? canvas->width / 2 + 8 : canvas->width;
	unsigned int y = 1;

	for (enum figure figure = 0; figure < FIGURE_COUNT; figure++, y++)
		draw_figure(ui, canvas, y, width, figure);
	if (two && ui->memory.total)
		draw_memory(ui, canvas, 1, width + 1, canvas->width - width - 2, false);
	else if (ui->memory.total)
		draw_memory(ui, canvas, y++, 1, (unsigned int)max_of(canvas->width, 2) - 2, true);
	return y;
}

unsigned int ui_draw_header(struct ui *ui, struct canvas *canvas)
{
	char losses[TEXT_LEN];
	unsigned int y = 1;

	if (canvas->height < 10) {
		draw_figures(ui, canvas, 0);
		return 1;
	}
	draw_title(ui, canvas);
	if (canvas->height >= 20)
		y = draw_tall(ui, canvas);
	else
		draw_figures(ui, canvas, y++);
	if (ui->view.snapshot && put_losses(losses, sizeof(losses), &ui->view.snapshot->totals))
		canvas_put(canvas, y++, 1, canvas->width - 2, STYLE_BAD, losses);
	return y;
}

/* A process. ----------------------------------------------------------------------------------- */

static void put_exit(char *text, size_t size, const struct ui *ui)
{
	int status = ui->view.process.exit_status;

	*text = '\0';
	if (!ui->view.is_gone)
		return;
	if (ui->options.is_replay || !ui->view.process.ended)
		snprintf(text, size, "  EXITED");
	else if (WIFSIGNALED(status))
		snprintf(text, size, "  EXITED by signal %d", WTERMSIG(status));
	else
		snprintf(text, size, "  EXITED with %d", WEXITSTATUS(status));
}

static void draw_identity(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	const struct process *process = &ui->view.process;
	char text[TEXT_LEN], comm[64], user[USER_LEN], vsz[TEXT_SIZE_LEN], rss[TEXT_SIZE_LEN];
	char ended[64];
	unsigned int x;

	text_escape_to(comm, sizeof(comm), process->comm);
	put_exit(ended, sizeof(ended), ui);
	snprintf(text, sizeof(text), "PID %" PRIu32 "  %s  user %s  VSZ %s  RSS %s", process->tgid,
		 comm, users_name(&ui->users, process->uid, user),
		 text_bytes(vsz, process->vsz_bytes), text_bytes(rss, process->rss_bytes));
	x = canvas_put(canvas, y, 1, canvas->width - 2, STYLE_STRONG, text);
	canvas_put(canvas, y, x + 1, canvas->width - x - 2, STYLE_WARN, ended);
}

static int compare_kinds(const void *left, const void *right)
{
	const struct line *a = *(const struct line *const *)left;
	const struct line *b = *(const struct line *const *)right;
	int order = compare_u64(line_faults(&b->total) + b->total.denied,
				line_faults(&a->total) + a->total.denied);

	return order ? order : compare_u64(a->kind, b->kind);
}

static void draw_kinds(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	const struct line_set *kinds = &ui->view.kinds;
	uint64_t all = line_faults(&kinds->sum.total) + kinds->sum.total.denied;
	unsigned int x = 1 + canvas_put(canvas, y, 1, canvas->width, STYLE_LABEL, "Kinds ");

	if (kinds->count)
		qsort(kinds->lines, kinds->count, sizeof(*kinds->lines), compare_kinds);
	for (size_t i = 0; i < kinds->count && all; i++) {
		const struct line *kind = kinds->lines[i];
		uint64_t part = line_faults(&kind->total) + kind->total.denied;
		char text[128], count[TEXT_COUNT_LEN];

		snprintf(text, sizeof(text), "%s%s %s (%.1f %%)", i ? ", " : "", kind->name,
			 text_count(count, part), (double)part * 100 / (double)all);
		if (x + canvas_columns(canvas, text) >= canvas->width)
			break;
		x += canvas_put(canvas, y, x, canvas->width - x, STYLE_PLAIN, text);
	}
}

static void draw_stalls(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	const struct line_set *set = &ui->view.set;
	const struct latency_counts *all = &set->latency_total;
	char text[TEXT_LEN], count[TEXT_COUNT_LEN], mean[TEXT_DURATION_LEN],
		most[TEXT_DURATION_LEN], sum[TEXT_DURATION_LEN];
	uint64_t highest = 0;
	unsigned int x = 1 + canvas_put(canvas, y, 1, canvas->width, STYLE_LABEL, "Stall ");

	if (!all->count) {
		canvas_put(canvas, y, x, canvas->width - x, STYLE_DIM,
			   "nothing was timed (--detail full times every fault)");
		return;
	}
	snprintf(text, sizeof(text), "%s in %s timed faults, %s each, %s at most  ",
		 text_duration(sum, all->sum_ns), text_count(count, all->count),
		 text_duration(mean, all->sum_ns / all->count), text_duration(most, set->max_ns));
	x += canvas_put(canvas, y, x, canvas->width - x, STYLE_PLAIN, text);
	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
		highest = max_of(highest, all->buckets[i]);
	for (unsigned int i = 0; i < LATENCY_BUCKETS && x < canvas->width; i++)
		x += canvas_put(canvas, y, x, 1, STYLE_BAR,
				spark((double)all->buckets[i], (double)highest, canvas->ascii));
}

unsigned int ui_draw_process(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	if (!view_level(&ui->view)->scope.has_process || canvas->height < 16)
		return 0;
	draw_identity(ui, canvas, y);
	draw_kinds(ui, canvas, y + 1);
	draw_stalls(ui, canvas, y + 2);
	return 3;
}

/* Histogram. ----------------------------------------------------------------------------------- */

static void draw_bucket(struct canvas *canvas, unsigned int y, unsigned int bucket, uint64_t count,
			uint64_t highest)
{
	char text[CELL_LEN], bound[TEXT_DURATION_LEN];
	unsigned int room = canvas->width > 40 ? canvas->width - 32 : 8;
	unsigned int filled =
		(unsigned int)max_of(1, (uint64_t)((double)count / (double)highest * room + 0.5));

	snprintf(text, sizeof(text), "up to %s", text_duration(bound, latency_bound_ns(bucket)));
	canvas_fit(canvas, y, 1, 14, STYLE_LABEL, text, FIT_LEFT);
	canvas_fit(canvas, y, 16, 11, STYLE_PLAIN, text_count(text, count), FIT_RIGHT);
	for (unsigned int i = 0; i < filled && i < room; i++)
		canvas_put(canvas, y, 28 + i, 1, STYLE_BAR, canvas->ascii ? "#" : "█");
}

unsigned int ui_draw_histogram(struct ui *ui, struct canvas *canvas, unsigned int y,
			       unsigned int lines)
{
	const struct latency_counts *all = &ui->view.set.latency_total;
	uint64_t highest = 0;
	unsigned int first = LATENCY_BUCKETS, last = 0, drawn = 0;

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
		highest = max_of(highest, all->buckets[i]);
		if (all->buckets[i]) {
			first = (unsigned int)min_of(first, i);
			last = i;
		}
	}
	if (!highest || lines < 2)
		return 0;
	canvas_put(canvas, y, 1, canvas->width, STYLE_STRONG, "How long faults took here");
	for (unsigned int i = first; i <= last && ++drawn < lines; i++) {
		if (all->buckets[i])
			draw_bucket(canvas, y + drawn, i, all->buckets[i], highest);
	}
	return drawn + 1;
}
