// SPDX-License-Identifier: GPL-2.0-only
/* The one list of what the view can do: keys, help, palette and settings are all made from it. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "term/ui_data.h"

const char *const view_names[VIEW_COUNT] = {
	[VIEW_PROCESSES] = "processes", [VIEW_UNITS] = "units",     [VIEW_MAPPINGS] = "mappings",
	[VIEW_FILES] = "files",         [VIEW_KINDS] = "kinds",     [VIEW_SPACE] = "space",
	[VIEW_DETAIL] = "detail",       [VIEW_THREADS] = "threads", [VIEW_CODE] = "code",
	[VIEW_LATENCY] = "latency",
};

/* Those of a process before those of all. */
const enum view_kind view_tabs[VIEW_COUNT] = { VIEW_PROCESSES, VIEW_UNITS,    VIEW_SPACE,
					       VIEW_DETAIL,    VIEW_MAPPINGS, VIEW_FILES,
					       VIEW_KINDS,     VIEW_THREADS,  VIEW_CODE,
					       VIEW_LATENCY };

/* "on", "off", or "" for the other than now. False: none of these. */
static bool read_switch(struct ui *ui, const char *argument, bool *value)
{
	if (!*argument)
		*value = !*value;
	else if (!strcmp(argument, "on") || !strcmp(argument, "off"))
		*value = !strcmp(argument, "on");
	else
		ui_complain(ui, "\"%s\": give on or off", argument);
	return !*argument || !strcmp(argument, "on") || !strcmp(argument, "off");
}

/* Moving. -------------------------------------------------------------------------------------- */

static void run_up(struct ui *ui, const char *argument)
{
	(void)argument;
	view_move(&ui->view, -1);
}

static void run_down(struct ui *ui, const char *argument)
{
	(void)argument;
	view_move(&ui->view, 1);
}

static long page_of(const struct ui *ui)
{
	return (long)max_of(1, ui->places.table_height);
}

static void run_page_up(struct ui *ui, const char *argument)
{
	(void)argument;
	view_move(&ui->view, -page_of(ui));
}

static void run_page_down(struct ui *ui, const char *argument)
{
	(void)argument;
	view_move(&ui->view, page_of(ui));
}

static void run_top(struct ui *ui, const char *argument)
{
	(void)argument;
	view_top(&ui->view);
}

static void run_bottom(struct ui *ui, const char *argument)
{
	(void)argument;
	view_bottom(&ui->view);
}

static void run_open(struct ui *ui, const char *argument)
{
	(void)argument;
	if (view_enter(&ui->view))
		ui_refresh(ui);
	else if (ui->view.is_gone)
		ui_complain(ui, "the process has exited: these are its last figures");
}

static void run_back(struct ui *ui, const char *argument)
{
	(void)argument;
	if (*ui->view.filter)
		view_filter(&ui->view, "", NULL, 0);
	else if (!view_leave(&ui->view))
		return;
	ui_refresh(ui);
}

/* Which table. --------------------------------------------------------------------------------- */

void ui_show_view(struct ui *ui, enum view_kind view)
{
	bool was_shown = !ui->view.is_gone && view_show(&ui->view, view);

	if (ui->view.is_gone)
		ui_complain(ui, "the process has exited: these are its last figures");
	else if (!was_shown && (view == VIEW_THREADS || view == VIEW_CODE))
		ui_complain(ui, "there %s no %s without --%s", view == VIEW_CODE ? "is" : "are",
			    view_names[view], view_names[view]);
	else if (!was_shown)
		ui_complain(ui, "there are no %s in here: Esc goes back", view_names[view]);
	ui_refresh(ui);
}

static void run_view(struct ui *ui, const char *argument)
{
	for (enum view_kind view = 0; view < VIEW_COUNT; view++) {
		if (!strcmp(view_names[view], argument)) {
			ui_show_view(ui, view);
			return;
		}
	}
	ui_complain(ui, "there is no view \"%s\"", argument);
}

static void run_group(struct ui *ui, const char *argument)
{
	if (*argument) {
		run_view(ui, argument);
		return;
	}
	ui_open_list(ui, "Group by", "view");
	for (size_t i = 0; i < VIEW_COUNT; i++)
		if (view_has(&ui->view, view_tabs[i]))
			ui_add_item(ui, view_names[view_tabs[i]], "");
	ui_narrow_list(ui);
}

/* The next view that this level has, in the order of the tabs. */
static void turn_view(struct ui *ui, unsigned int step)
{
	unsigned int tab = 0;

	while (view_tabs[tab] != view_level(&ui->view)->view)
		tab++;
	do {
		tab = (tab + step) % VIEW_COUNT;
	} while (!view_has(&ui->view, view_tabs[tab]));
	ui_show_view(ui, view_tabs[tab]);
}

static void run_next_view(struct ui *ui, const char *argument)
{
	(void)argument;
	turn_view(ui, 1);
}

static void run_previous_view(struct ui *ui, const char *argument)
{
	(void)argument;
	turn_view(ui, VIEW_COUNT - 1);
}

#define RUN_VIEW(name, view)                                        \
	static void run_##name(struct ui *ui, const char *argument) \
	{                                                           \
		(void)argument;                                     \
		ui_show_view(ui, view);                             \
	}

RUN_VIEW(processes, VIEW_PROCESSES)
RUN_VIEW(units, VIEW_UNITS)
RUN_VIEW(mappings, VIEW_MAPPINGS)
RUN_VIEW(files, VIEW_FILES)
RUN_VIEW(kinds, VIEW_KINDS)
RUN_VIEW(threads, VIEW_THREADS)
RUN_VIEW(code, VIEW_CODE)
RUN_VIEW(latency, VIEW_LATENCY)

/* Which lines. --------------------------------------------------------------------------------- */

static void search(struct ui *ui, bool again, bool backwards)
{
	if (!*ui->searched)
		ui_complain(ui, "nothing was searched for yet: press /");
	else if (!view_search(&ui->view, ui->searched, again, backwards))
		ui_complain(ui, "no line has \"%s\"", ui->searched);
}

static void run_search(struct ui *ui, const char *argument)
{
	snprintf(ui->searched, sizeof(ui->searched), "%s", argument);
	if (*argument)
		search(ui, false, false);
}

static void run_search_next(struct ui *ui, const char *argument)
{
	(void)argument;
	search(ui, true, false);
}

static void run_search_previous(struct ui *ui, const char *argument)
{
	(void)argument;
	search(ui, true, true);
}

static void run_filter(struct ui *ui, const char *argument)
{
	char why[128] = "too long";

	if (view_filter(&ui->view, argument, why, sizeof(why)) < 0) {
		ui_complain(ui, "%s is no regular expression: %s", argument, why);
		return;
	}
	view_freeze(&ui->view, false);
	ui_refresh(ui);
}

static void run_user(struct ui *ui, const char *argument)
{
	int64_t uid = *argument ? users_find(argument) : -1;

	if (*argument && uid < 0) {
		ui_complain(ui, "there is no user \"%s\"", argument);
		return;
	}
	view_level(&ui->view)->scope.uid = uid;
	view_freeze(&ui->view, false);
	ui_refresh(ui);
}

static void run_pid(struct ui *ui, const char *argument)
{
	char *end;
	unsigned long pid = strtoul(argument, &end, 10);

	if (!*argument)
		return;
	if (*end || pid > UINT32_MAX)
		ui_complain(ui, "\"%s\" is no PID", argument);
	else if (!view_find_pid(&ui->view, (uint32_t)pid))
		ui_complain(ui, "no line is of PID %lu%s", pid,
			    ui->view.shows_all ? "" : " (a shows those that do not fault, too)");
}

static void run_all(struct ui *ui, const char *argument)
{
	if (!read_switch(ui, argument, &ui->view.shows_all))
		return;
	view_freeze(&ui->view, false);
	ui_refresh(ui);
}

/* Order. --------------------------------------------------------------------------------------- */

static bool can_sort(const struct column *column)
{
	return column->value || column->text;
}

static void run_sort(struct ui *ui, const char *argument)
{
	enum view_kind view = view_level(&ui->view)->view;
	const struct column *column = columns_find(view, argument);

	if (!column) {
		ui_complain(ui, "%s cannot be sorted by \"%s\"", view_names[view], argument);
		return;
	}
	view_sort(&ui->view, column);
	ui_refresh(ui);
}

static void run_sort_list(struct ui *ui, const char *argument)
{
	const struct column *columns[COLUMNS_MAX];
	size_t count = columns_of(view_level(&ui->view)->view, columns);

	(void)argument;
	ui_open_list(ui, "Sort by", "sort");
	for (size_t i = 0; i < count; i++)
		if (can_sort(columns[i]))
			ui_add_item(ui, columns[i]->name, columns[i]->title);
	ui_narrow_list(ui);
	for (size_t i = 0; i < ui->list.n_shown; i++)
		if (!strcmp(ui->list.items[ui->list.shown[i]].name,
			    view_level(&ui->view)->sort->name))
			ui->list.cursor = i;
}

static void turn_sort(struct ui *ui, size_t step)
{
	const struct column *columns[COLUMNS_MAX];
	size_t count = columns_of(view_level(&ui->view)->view, columns), at = 0;

	if (!count)
		return;
	while (at < count && columns[at] != view_level(&ui->view)->sort)
		at++;
	do {
		at = (at + (step ? 1 : count - 1)) % count;
	} while (!can_sort(columns[at]));
	view_sort(&ui->view, columns[at]);
	ui_refresh(ui);
}

static void run_sort_next(struct ui *ui, const char *argument)
{
	(void)argument;
	turn_sort(ui, 1);
}

static void run_sort_previous(struct ui *ui, const char *argument)
{
	(void)argument;
	turn_sort(ui, 0);
}

static void run_reverse(struct ui *ui, const char *argument)
{
	if (read_switch(ui, argument, &view_level(&ui->view)->reversed)) {
		view_freeze(&ui->view, false);
		ui_refresh(ui);
	}
}

static void run_tree(struct ui *ui, const char *argument)
{
	if (read_switch(ui, argument, &ui->view.is_tree)) {
		view_freeze(&ui->view, false);
		ui_refresh(ui);
	}
}

static void run_freeze(struct ui *ui, const char *argument)
{
	bool freeze = ui->view.is_frozen;

	if (!read_switch(ui, argument, &freeze))
		return;
	if (view_freeze(&ui->view, freeze) < 0)
		ui_complain(ui, "no memory to keep the order");
	ui_refresh(ui);
}

static void run_follow(struct ui *ui, const char *argument)
{
	read_switch(ui, argument, &ui->view.follows);
	if (ui->view.follows && !view_level(&ui->view)->selected)
		view_select(&ui->view, 0);
}

/* What is counted, and when. ------------------------------------------------------------------- */

static void run_zero(struct ui *ui, const char *argument)
{
	(void)argument;
	if (view_zero(&ui->view) < 0)
		ui_complain(ui, "no memory to keep what was counted so far");
	else
		ui_say(ui, "totals count from here");
	ui_refresh(ui);
}

static void run_delay(struct ui *ui, const char *argument)
{
	char *end;
	double seconds = strtod(argument, &end);
	const struct ui_source *source = &ui->options.source;

	if (!*argument)
		return;
	if (*end || !(seconds >= 0.05 && seconds <= 86400)) {
		ui_complain(ui, "\"%s\": give seconds from 0.05 to 86400", argument);
		return;
	}
	if (!source->set_interval ||
	    source->set_interval(source->context, (uint64_t)(seconds * 1000 + 0.5)) < 0)
		ui_complain(ui, "a log has its own intervals: P pauses, + and - change the speed");
	else
		ui->options.interval_ms = (uint64_t)(seconds * 1000 + 0.5);
}

static void run_commands(struct ui *ui, const char *argument)
{
	if (!ui->options.source.command)
		ui_complain(ui, "a log has no command lines");
	else
		read_switch(ui, argument, &ui->shows_commands);
}

/* A recorded log. ------------------------------------------------------------------------------ */

static bool is_replay(struct ui *ui)
{
	if (!ui->options.is_replay)
		ui_complain(ui, "only a recorded log can do that: faultmap top --replay FILE");
	return ui->options.is_replay;
}

static void pause_log(struct ui *ui, bool pause)
{
	const struct ui_source *source = &ui->options.source;

	ui->is_paused = pause;
	source->pause(source->context, pause);
}

static void run_pause(struct ui *ui, const char *argument)
{
	bool pause = ui->is_paused;

	if (is_replay(ui) && read_switch(ui, argument, &pause))
		pause_log(ui, pause);
}

static void step(struct ui *ui, int intervals)
{
	const struct ui_source *source = &ui->options.source;
	struct error error;

	if (!is_replay(ui))
		return;
	pause_log(ui, true);
	if (source->step(source->context, intervals, &error) < 0)
		ui_complain(ui, "%s", error.text);
}

static void run_step(struct ui *ui, const char *argument)
{
	(void)argument;
	step(ui, 1);
}

static void run_step_back(struct ui *ui, const char *argument)
{
	(void)argument;
	step(ui, -1);
}

static void run_time(struct ui *ui, const char *argument)
{
	const struct ui_source *source = &ui->options.source;
	char text[INPUT_LEN + TEXT_TIME_LEN], now[TEXT_TIME_LEN];
	struct error error;
	int64_t ts_ms;

	if (!is_replay(ui) || !*argument)
		return;
	/* A time of day is of the day that is shown. */
	text_time(now, ui->view.snapshot ? ui->view.snapshot->ts : (struct timespec){});
	snprintf(text, sizeof(text), "%.*s%s", strcspn(argument, ":") == 2 ? 11 : 0, now, argument);
	if (!text_read_time(text, &ts_ms)) {
		ui_complain(ui, "\"%s\" is no time; give it as 10:08:56 or 2026-11-22T10:08:56Z",
			    argument);
		return;
	}
	pause_log(ui, true);
	if (source->seek(source->context, ts_ms, &error) < 0)
		ui_complain(ui, "%s", error.text);
}

static void set_speed(struct ui *ui, double speed)
{
	const struct ui_source *source = &ui->options.source;

	ui->speed = speed < 0.125 ? 0.125 : speed > 64 ? 64 : speed;
	source->set_speed(source->context, ui->speed);
}

static void run_faster(struct ui *ui, const char *argument)
{
	(void)argument;
	if (is_replay(ui))
		set_speed(ui, ui->speed * 2);
}

static void run_slower(struct ui *ui, const char *argument)
{
	(void)argument;
	if (is_replay(ui))
		set_speed(ui, ui->speed / 2);
}

/* The rest. ------------------------------------------------------------------------------------ */

static void run_help(struct ui *ui, const char *argument)
{
	(void)argument;
	ui->mode = MODE_HELP;
	ui->help_offset = 0;
}

static void run_palette(struct ui *ui, const char *argument)
{
	(void)argument;
	ui_open_list(ui, "Commands", NULL);
	for (size_t i = 0; i < ui_n_commands; i++)
		ui_add_item(ui, ui_commands[i].name, ui_commands[i].help);
	ui_narrow_list(ui);
}

static void run_write(struct ui *ui, const char *argument)
{
	const struct ui_source *source = &ui->options.source;
	autofree char *text = ui_settings(ui);
	char where[256];
	struct error error;

	(void)argument;
	if (!source->save)
		ui_complain(ui, "settings cannot be kept from here");
	else if (!text)
		ui_complain(ui, "no memory to write the settings");
	else if (source->save(source->context, text, where, sizeof(where), &error) < 0)
		ui_complain(ui, "%s", error.text);
	else
		ui_say(ui, "settings are in %s", where);
}

static void run_quit(struct ui *ui, const char *argument)
{
	(void)argument;
	ui->quits = true;
}

#define F(number) (UI_KEY_F0 + (number))

const struct ui_command ui_commands[] = {
	{ "help", "h ? F1", "this help", NULL, run_help, { 'h', '?', F(1) } },
	{ "up", "Up k", "one line up", NULL, run_up, { UI_KEY_UP, 'k' } },
	{ "down", "Down j", "one line down", NULL, run_down, { UI_KEY_DOWN, 'j' } },
	{ "page-up", "PgUp", "one screen up", NULL, run_page_up, { UI_KEY_PAGE_UP } },
	{ "page-down", "PgDn", "one screen down", NULL, run_page_down, { UI_KEY_PAGE_DOWN } },
	{ "top", "Home", "to the first line, and stay there", NULL, run_top, { UI_KEY_HOME } },
	{ "bottom", "End", "to the last line", NULL, run_bottom, { UI_KEY_END } },
	{ "open",
	  "Enter",
	  "open a process's mappings, a mapping's kinds",
	  NULL,
	  run_open,
	  { UI_KEY_ENTER } },
	{ "back", "Esc Backspace", "go back", NULL, run_back, { UI_KEY_ESCAPE, UI_KEY_BACKSPACE } },
	{ "next-view",
	  "Tab Right",
	  "the next table",
	  NULL,
	  run_next_view,
	  { UI_KEY_TAB, UI_KEY_RIGHT } },
	{ "previous-view",
	  "Shift-Tab Left",
	  "the previous table",
	  NULL,
	  run_previous_view,
	  { UI_KEY_BACKTAB, UI_KEY_LEFT } },
	{ "processes", "1", "by process", NULL, run_processes, { '1' } },
	{ "units", "2", "by systemd unit, or container", NULL, run_units, { '2' } },
	{ "mappings",
	  "3",
	  "by mapping; one line for one name in a process",
	  NULL,
	  run_mappings,
	  { '3' } },
	{ "files", "4", "by file, over all processes", NULL, run_files, { '4' } },
	{ "kinds", "5", "by kind of fault", NULL, run_kinds, { '5' } },
	{ "threads", "H 6", "by thread, with --threads", NULL, run_threads, { 'H', '6' } },
	{ "code", "7", "by faulting instruction, with --code", NULL, run_code, { '7' } },
	{ "latency", "8", "how long faults took, over time", NULL, run_latency, { '8' } },
	{ "group", "g", "choose the table from a list", NULL, run_group, { 'g' } },
	{ "view", "", "the table of that name", "View", run_view, {} },
	{ "search",
	  "/ F3",
	  "select the next line with a text",
	  "Search",
	  run_search,
	  { '/', F(3) } },
	{ "search-next", "n", "the next line with that text", NULL, run_search_next, { 'n' } },
	{ "search-previous",
	  "N",
	  "the previous line with that text",
	  NULL,
	  run_search_previous,
	  { 'N' } },
	{ "filter",
	  "\\ F4",
	  "only lines with a text, or /regular expression/",
	  "Filter",
	  run_filter,
	  { '\\', F(4) } },
	{ "user", "u", "only processes of a user; nothing: of all", "User", run_user, { 'u' } },
	{ "pid", "p", "select the process with a PID", "PID", run_pid, { 'p' } },
	{ "all", "a", "also what did not fault in the interval, or not", NULL, run_all, { 'a' } },
	{ "sort-list", "F6", "choose the column to sort by", NULL, run_sort_list, { F(6) } },
	{ "sort", "", "sort by the column of that name", "Sort by", run_sort, {} },
	{ "sort-next", ">", "sort by the next column", NULL, run_sort_next, { '>' } },
	{ "sort-previous", "<", "sort by the previous column", NULL, run_sort_previous, { '<' } },
	{ "reverse", "I", "reverse the order", NULL, run_reverse, { 'I' } },
	{ "tree",
	  "t F5",
	  "a tree of processes, with sums of descendants",
	  NULL,
	  run_tree,
	  { 't', F(5) } },
	{ "freeze",
	  "Z Space",
	  "keep the order while the figures change",
	  NULL,
	  run_freeze,
	  { 'Z', ' ' } },
	{ "follow", "F", "keep the selected line in sight", NULL, run_follow, { 'F' } },
	{ "zero", "z", "count totals from now on", NULL, run_zero, { 'z' } },
	{ "delay",
	  "d s",
	  "seconds between two ticks",
	  "Delay in seconds",
	  run_delay,
	  { 'd', 's' } },
	{ "commands", "c", "show command lines, or names", NULL, run_commands, { 'c' } },
	{ "pause", "P", "recorded log: pause, or continue", NULL, run_pause, { 'P' } },
	{ "step", ".", "recorded log: one interval forward", NULL, run_step, { '.' } },
	{ "step-back", ",", "recorded log: one interval back", NULL, run_step_back, { ',' } },
	{ "time", "T", "recorded log: to a time", "Time", run_time, { 'T' } },
	{ "faster", "+", "recorded log: twice as fast", NULL, run_faster, { '+' } },
	{ "slower", "-", "recorded log: half as fast", NULL, run_slower, { '-' } },
	{ "write", "w", "write the settings, for next time", NULL, run_write, { 'w' } },
	{ "palette", ":", "all commands by name", NULL, run_palette, { ':' } },
	{ "quit", "q F10", "leave", NULL, run_quit, { 'q', F(10) } },
};
const size_t ui_n_commands = ARRAY_SIZE(ui_commands);

const struct ui_command *ui_find_command(const char *name)
{
	for (size_t i = 0; i < ui_n_commands; i++)
		if (!strcmp(ui_commands[i].name, name))
			return &ui_commands[i];
	return NULL;
}

const struct ui_command *ui_command_of(int key)
{
	for (size_t i = 0; i < ui_n_commands; i++)
		for (size_t k = 0; k < ARRAY_SIZE(ui_commands[i].codes); k++)
			if (key && ui_commands[i].codes[k] == key)
				return &ui_commands[i];
	return NULL;
}

void ui_start(struct ui *ui, const struct ui_command *command)
{
	if (!command->prompt) {
		command->run(ui, "");
		return;
	}
	ui->mode = MODE_PROMPT;
	ui->asking = command;
	ui->input[0] = '\0';
	if (!strcmp(command->name, "filter"))
		snprintf(ui->input, sizeof(ui->input), "%s", ui->view.filter);
}
