// SPDX-License-Identifier: GPL-2.0-only
#include "term/ui.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "term/ui_data.h"

struct ui *ui_new(const struct ui_options *options)
{
	struct ui *ui = calloc(1, sizeof(*ui));

	if (!ui)
		return NULL;
	ui->options = *options;
	ui->speed = 1;
	view_init(&ui->view);
	return ui;
}

void ui_free(struct ui *ui)
{
	if (!ui)
		return;
	view_clear(&ui->view);
	free(ui);
}

void ui_set_host(struct ui *ui, const char *host, const char *kernel, const char *detail)
{
	snprintf(ui->host, sizeof(ui->host), "%s", host);
	snprintf(ui->kernel, sizeof(ui->kernel), "%s", kernel);
	snprintf(ui->detail, sizeof(ui->detail), "%s", detail);
}

void ui_set_connected(struct ui *ui, bool is_connected)
{
	ui->is_cut_off = !is_connected;
}

void ui_set_findings(struct ui *ui, const char *text, const struct process_finding *list,
		     size_t count)
{
	snprintf(ui->findings, sizeof(ui->findings), "%s", text);
	view_set_findings(&ui->view, list, count);
}

void ui_set_memory(struct ui *ui, const struct ui_memory *memory)
{
	ui->memory = *memory;
	if (memory->available > memory->total || memory->swap_free > memory->swap_total)
		ui->memory = (struct ui_memory){};
}

static void say(struct ui *ui, bool is_bad, const char *format, va_list arguments)
{
	char text[MESSAGE_LEN];

	vsnprintf(text, sizeof(text), format, arguments);
	text_escape_to(ui->message, sizeof(ui->message), text);
	ui->message_is_bad = is_bad;
}

void ui_say(struct ui *ui, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(ui, false, format, arguments);
	va_end(arguments);
}

void ui_complain(struct ui *ui, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(ui, true, format, arguments);
	va_end(arguments);
}

void ui_refresh(struct ui *ui)
{
	if (view_refresh(&ui->view, NULL) < 0)
		ui_complain(ui, "no memory for the table");
}

int ui_tick(struct ui *ui, const struct snapshot *snapshot)
{
	trend_add(&ui->trend, snapshot);
	return view_refresh(&ui->view, snapshot);
}

void ui_note(struct ui *ui, const struct snapshot *snapshot)
{
	trend_add(&ui->trend, snapshot);
}

void ui_forget(struct ui *ui)
{
	ui->trend = (struct trend){};
	ui->view.snapshot = NULL;
	view_freeze(&ui->view, false);
	if (ui->view.has_zero)
		zero_clear(&ui->view.zero);
	ui->view.has_zero = false;
}

bool ui_run(struct ui *ui, const char *text)
{
	const struct ui_command *command;
	const char *argument = text + strcspn(text, " ");
	char name[INPUT_LEN];

	snprintf(name, sizeof(name), "%.*s", (int)(argument - text), text);
	argument += strspn(argument, " ");
	command = ui_find_command(name);
	if (!command) {
		ui_complain(ui, "there is no command \"%s\"", name);
		return false;
	}
	command->run(ui, argument);
	return true;
}

/* Keys. ---------------------------------------------------------------------------------------- */

static void help_key(struct ui *ui, int key)
{
	size_t page = max_of(1, ui->places.table_height);

	if (key == UI_KEY_UP)
		ui->help_offset -= ui->help_offset > 0;
	else if (key == UI_KEY_DOWN)
		ui->help_offset++;
	else if (key == UI_KEY_PAGE_UP)
		ui->help_offset -= min_of(ui->help_offset, page);
	else if (key == UI_KEY_PAGE_DOWN)
		ui->help_offset += page;
	else
		ui->mode = MODE_TABLE;
}

static void table_key(struct ui *ui, int key)
{
	const struct ui_command *command = ui_command_of(key);

	if (!command)
		return;
	ui_start(ui, command);
	ui->moved = true;
}

bool ui_key(struct ui *ui, int key)
{
	ui->message[0] = '\0';
	if (key == '\r')
		key = UI_KEY_ENTER;
	switch (ui->mode) {
	case MODE_HELP:
		help_key(ui, key);
		break;
	case MODE_PROMPT:
		ui_prompt_key(ui, key);
		ui->moved = true;
		break;
	case MODE_LIST:
		ui_list_key(ui, key);
		break;
	default:
		table_key(ui, key);
	}
	return !ui->quits;
}

/* A click on a title sorts by it, once more turns the order round. */
static void click_title(struct ui *ui, unsigned int x)
{
	for (size_t i = 0; i < ui->places.n_columns; i++) {
		const struct placed *placed = &ui->places.columns[i];

		if (x < placed->x || x >= placed->x + placed->width)
			continue;
		if (placed->column == view_level(&ui->view)->sort)
			ui_run(ui, "reverse");
		else if (placed->column->value || placed->column->text)
			view_sort(&ui->view, placed->column);
		ui_refresh(ui);
		return;
	}
}

static void click_line(struct ui *ui, size_t index)
{
	const struct level *level = view_level(&ui->view);

	if (index >= ui->view.n_shown)
		return;
	if (level->selected && level->index == index)
		ui_run(ui, "open");
	else
		view_select(&ui->view, index);
}

bool ui_click(struct ui *ui, unsigned int y, unsigned int x)
{
	const struct ui_places *places = &ui->places;

	if (ui->mode != MODE_TABLE)
		return ui_key(ui, UI_KEY_ESCAPE);
	ui->message[0] = '\0';
	if (y == places->keys_y) {
		for (size_t i = 0; i < places->n_keys; i++)
			if (x >= places->keys[i].x && x < places->keys[i].x + places->keys[i].width)
				return ui_key(ui, places->keys[i].key);
	} else if (y == places->titles_y) {
		click_title(ui, x);
	} else if (y >= places->table_y && y < places->table_y + places->table_height) {
		click_line(ui, view_level(&ui->view)->offset + y - places->table_y);
	} else if (y == places->tabs_y) {
		for (size_t i = 0; i < places->n_tabs; i++)
			if (x >= places->tabs[i].x && x < places->tabs[i].x + places->tabs[i].width)
				ui_show_view(ui, places->tabs[i].view);
	}
	return !ui->quits;
}

void ui_wheel(struct ui *ui, int lines)
{
	if (ui->mode == MODE_TABLE) {
		view_move(&ui->view, lines);
		ui->moved = true;
	} else {
		ui_key(ui, lines < 0 ? UI_KEY_UP : UI_KEY_DOWN);
	}
}

/* Settings. ------------------------------------------------------------------------------------ */

char *ui_settings(const struct ui *ui)
{
	const struct level *level = &ui->view.levels[0];
	char *text = NULL;

	if (asprintf(&text,
		     "# of faultmap top; its key w writes it\n"
		     "view = %s\nsort = %s\nreverse = %s\ntree = %s\nall = %s\nfollow = %s\n"
		     "commands = %s\ndelay = %g\n",
		     view_names[level->view], level->sort->name, level->reversed ? "on" : "off",
		     ui->view.is_tree ? "on" : "off", ui->view.shows_all ? "on" : "off",
		     ui->view.follows ? "on" : "off", ui->shows_commands ? "on" : "off",
		     (double)ui->options.interval_ms / 1e3) < 0)
		return NULL;
	return text;
}

/* Not every command: a settings file starts nothing and writes nothing. */
static bool is_setting(const char *name)
{
	static const char *const names[] = { "view", "sort",   "reverse",  "tree",
					     "all",  "follow", "commands", "delay" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static bool load_setting(struct ui *ui, const char *line, size_t length)
{
	char name[INPUT_LEN], value[INPUT_LEN], text[2 * INPUT_LEN + 2], copy[2 * INPUT_LEN];

	snprintf(copy, sizeof(copy), "%.*s", (int)min_of(length, sizeof(copy) - 1), line);
	line = copy + strspn(copy, " \t\r");
	if (!*line || *line == '#')
		return true;
	if (sscanf(line, "%127[a-z] = %127[^\r\n]", name, value) != 2 || !is_setting(name))
		return false;
	if (ui->options.keeps_interval && !strcmp(name, "delay"))
		return true;
	if ((ui->options.is_replay || ui->options.is_remote) &&
	    !strcmp(name, "commands")) /* a log has none */
		return true;
	snprintf(text, sizeof(text), "%s %s", name, value);
	ui->message[0] = '\0';
	ui_run(ui, text);
	return !ui->message[0];
}

unsigned int ui_load_settings(struct ui *ui, const char *text)
{
	unsigned int number = 0, first_bad = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		number++;
		if (!load_setting(ui, text, length) && !first_bad)
			first_bad = number;
		text += length + (text[length] == '\n');
	}
	ui->message[0] = '\0';
	return first_bad;
}
