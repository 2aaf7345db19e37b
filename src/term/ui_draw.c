// SPDX-License-Identifier: GPL-2.0-only
/* The table, the line above it that says which, and the line of keys. */
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "term/ui_data.h"

#define TEXT_LEN 1024

/* What a mapping's kinds need; the histogram has the rest. */
#define DETAIL_LINES 6

/* Which table. --------------------------------------------------------------------------------- */

static void put_state(const struct ui *ui, char *text, size_t size)
{
	const struct view *view = &ui->view;
	const struct level *level = &view->levels[view->depth];
	char user[64] = "";

	if (level->scope.uid >= 0)
		snprintf(user, sizeof(user), "  uid %lld", (long long)level->scope.uid);
	snprintf(text, size, "%s%s%s%s%s%s%s%s", view->is_frozen ? "  FROZEN" : "",
		 view->follows ? "  follow" : "", view->is_tree ? "  tree" : "",
		 level->reversed ? "  reversed" : "", view->has_zero ? "  since z" : "", user,
		 *view->filter ? "  filter " : "", view->filter);
}

static const char *view_title(enum view_kind view)
{
	static const char *const titles[VIEW_COUNT] = {
		[VIEW_PROCESSES] = "Processes", [VIEW_UNITS] = "Units",
		[VIEW_MAPPINGS] = "Mappings",   [VIEW_FILES] = "Files",
		[VIEW_KINDS] = "Kinds",         [VIEW_SPACE] = "Address space",
		[VIEW_DETAIL] = "Kinds here",   [VIEW_THREADS] = "Threads",
		[VIEW_CODE] = "Code",           [VIEW_LATENCY] = "Latency",
	};

	return titles[view];
}

/* "postgres > [heap] |" before the tables there are of it. */
static unsigned int draw_path(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	unsigned int x = 1;

	for (size_t i = 1; i <= ui->view.depth; i++) {
		char title[TEXT_LEN];
		unsigned int room = canvas->width / (unsigned int)(2 * ui->view.depth);

		text_escape_to(title, sizeof(title), ui->view.levels[i].title);
		room = (unsigned int)min_of(room, canvas_columns(canvas, title));
		canvas_fit(canvas, y, x, room, STYLE_STRONG, title, FIT_END);
		x += room;
		x += canvas_put(canvas, y, x, 3, STYLE_LABEL, i < ui->view.depth ? " > " : " | ");
	}
	return x;
}

static void draw_tabs(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	struct ui_places *places = &ui->places;
	char state[TEXT_LEN];
	unsigned int x = draw_path(ui, canvas, y), columns, most;

	places->tabs_y = y;
	places->n_tabs = 0;
	put_state(ui, state, sizeof(state));
	columns = canvas_columns(canvas, state);
	most = canvas->width > columns ? canvas->width - columns : 0;
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		enum view_kind view = view_tabs[i];
		bool is_shown = view_level(&ui->view)->view == view;
		char text[64];
		unsigned int width;

		if (!view_has(&ui->view, view))
			continue;
		snprintf(text, sizeof(text), is_shown ? "[%s]" : " %s ", view_title(view));
		width = (unsigned int)strlen(text);
		if (x + width > most)
			break;
		canvas_put(canvas, y, x, width, is_shown ? STYLE_STRONG : STYLE_LABEL, text);
		places->tabs[places->n_tabs].x = x;
		places->tabs[places->n_tabs].width = width;
		places->tabs[places->n_tabs++].view = view;
		x += width;
	}
	if (columns)
		canvas_fit(canvas, y, max_of(x, most) == most ? most : x,
			   canvas->width - (unsigned int)(max_of(x, most) == most ? most : x),
			   STYLE_WARN, state, FIT_LEFT);
}

/* The table. ----------------------------------------------------------------------------------- */

static void draw_titles(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	const struct level *level = view_level(&ui->view);

	ui->places.titles_y = y;
	canvas_blank(canvas, y, 0, canvas->width, STYLE_TITLES);
	for (size_t i = 0; i < ui->places.n_columns; i++) {
		const struct placed *placed = &ui->places.columns[i];
		const struct column *column = placed->column;
		bool is_sorted = column == level->sort;
		bool is_up = column->ascending != level->reversed;
		const char *mark = canvas->ascii ? (is_up ? "^" : "v") : is_up ? "▲" : "▼";
		char title[64];

		if (!is_sorted)
			mark = "";
		snprintf(title, sizeof(title), "%s%s%s", column->left ? "" : mark, column->title,
			 column->left ? mark : "");
		canvas_fit(canvas, y, placed->x, placed->width,
			   is_sorted ? STYLE_SORTED : STYLE_TITLES, title,
			   column->left ? FIT_LEFT : FIT_RIGHT);
	}
}

static enum style style_of_line(const struct ui *ui, const struct line *line, bool is_selected)
{
	if (is_selected)
		return STYLE_SELECTED;
	if (line->ended && !ui->view.is_gone)
		return STYLE_DIM;
	return STYLE_PLAIN;
}

static enum style style_of_cell(const struct line *line, const struct column *column,
				enum style style)
{
	if (style != STYLE_PLAIN)
		return style;
	if (!strcmp(column->name, "share") || !strcmp(column->name, "heat") ||
	    !strcmp(column->name, "time"))
		return STYLE_BAR;
	if (!strcmp(column->name, "major") && line->delta.major)
		return STYLE_WARN;
	if (!strcmp(column->name, "denied") && line->delta.denied)
		return STYLE_BAD;
	return style;
}

static void draw_line(struct ui *ui, struct canvas *canvas, unsigned int y, const struct line *line,
		      const struct column_context *context, bool is_selected)
{
	enum style style = style_of_line(ui, line, is_selected);
	struct column_context own = *context;
	char text[CELL_LEN];

	if (is_selected)
		canvas_blank(canvas, y, 0, canvas->width, style);
	for (size_t i = 0; i < ui->places.n_columns; i++) {
		const struct placed *placed = &ui->places.columns[i];
		const struct column *column = placed->column;

		own.width = placed->width;
		column->cell(text, line, &own);
		canvas_fit(canvas, y, placed->x, placed->width, style_of_cell(line, column, style),
			   text,
			   !column->left     ? FIT_RIGHT :
			   column->keeps_end ? FIT_END :
					       FIT_LEFT);
	}
}

static const char *command_of(void *context, const struct line *line)
{
	const struct ui_source *source = &((struct ui *)context)->options.source;

	return line->has_process ? source->command(source->context, line->tgid, line->start_ns) :
				   NULL;
}

/* The text that is shown if there are no lines. */
static const char *why_empty(const struct ui *ui)
{
	if (!ui->view.snapshot || !ui->view.snapshot->tick)
		return "the first interval has not ended yet";
	if (*ui->view.filter)
		return "no line matches the filter; Esc removes it";
	if (ui->view.levels[ui->view.depth].view == VIEW_LATENCY)
		return "nothing was timed (--detail full times every fault)";
	if (!ui->view.shows_all && ui->view.set.count)
		return "nobody faulted in this interval; a shows all";
	return "nothing was counted here";
}

static void draw_lines(struct ui *ui, struct canvas *canvas)
{
	const struct level *level = view_level(&ui->view);
	const struct ui_places *places = &ui->places;
	struct column_context context = {
		.interval_ns = ui->view.snapshot ? ui->view.snapshot->interval_ns : 0,
		.page_size = ui->options.page_size,
		.ascii = canvas->ascii,
		.is_tree = ui->view.is_tree && level->view == VIEW_PROCESSES,
		.trend = ui->view.depth || level->scope.uid >= 0 ? NULL : &ui->trend,
		.sum = &ui->view.set.sum,
		.users = &ui->users,
		.command = ui->shows_commands ? command_of : NULL,
		.context = ui,
	};

	view_scroll(&ui->view, places->table_height, ui->moved);
	ui->moved = false;
	if (!ui->view.n_shown && places->table_height)
		canvas_put(canvas, places->table_y, 1, canvas->width, STYLE_DIM, why_empty(ui));
	for (unsigned int i = 0; i < places->table_height; i++) {
		size_t at = level->offset + i;

		if (at >= ui->view.n_shown)
			break;
		draw_line(ui, canvas, places->table_y + i, ui->view.set.lines[at], &context,
			  at == level->index);
	}
}

static void draw_table(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	const struct level *level = view_level(&ui->view);
	struct ui_places *places = &ui->places;
	const struct line_set *set = &ui->view.set;
	const struct shown_with with = { .latency = set->has_latency,
					 .heat = set->has_heat,
					 .causes = set->has_causes,
					 .copies = set->has_copies,
					 .again = set->has_again,
					 .findings = ui->view.has_findings,
					 .commands = level->view == VIEW_PROCESSES &&
						     (ui->view.is_tree || ui->shows_commands) };
	unsigned int end = canvas->height - 1, room;

	places->n_columns = columns_place(level->view, level->sort, &with, canvas->width,
					  places->columns);
	draw_titles(ui, canvas, y++);
	room = end > y ? end - y : 0;
	places->table_y = y;
	places->table_height = room;
	if (level->view == VIEW_DETAIL && room > DETAIL_LINES + 3 && ui->view.set.has_latency) {
		unsigned int lines = (unsigned int)min_of(max_of(ui->view.n_shown, 1) + 1,
							  room - DETAIL_LINES);

		places->table_height = lines;
		ui_draw_histogram(ui, canvas, y + lines, room - lines);
	}
	draw_lines(ui, canvas);
}

/* The last line. ------------------------------------------------------------------------------- */

static void draw_keys(struct ui *ui, struct canvas *canvas, unsigned int y)
{
	static const struct {
		const char *key, *action;
		int code;
	} keys[] = {
		{ "F1", "Help", UI_KEY_F0 + 1 },
		{ "Enter", "Open", UI_KEY_ENTER },
		{ "Esc", "Back", UI_KEY_ESCAPE },
		{ "Tab", "View", UI_KEY_TAB },
		{ "/", "Search", '/' },
		{ "\\", "Filter", '\\' },
		{ "Z", "Freeze", 'Z' },
		{ "F5", "Tree", UI_KEY_F0 + 5 },
		{ "F6", "Sort", UI_KEY_F0 + 6 },
		{ "z", "Zero", 'z' },
		{ ":", "All", ':' },
		{ "q", "Quit", 'q' },
	};
	unsigned int x = 0;

	ui->places.n_keys = 0;
	ui->places.keys_y = y;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		unsigned int width = (unsigned int)(strlen(keys[i].key) + strlen(keys[i].action));
		/* The last is Quit: one that leaves no room for it gives way. */
		unsigned int rest = i + 1 < ARRAY_SIZE(keys) ? 6 : 0;

		if (x + width + rest > canvas->width)
			continue;
		ui->places.keys[ui->places.n_keys].x = x;
		ui->places.keys[ui->places.n_keys].width = width;
		ui->places.keys[ui->places.n_keys++].key = keys[i].code;
		x += canvas_put(canvas, y, x, width, STYLE_KEY, keys[i].key);
		x += canvas_put(canvas, y, x, width, STYLE_ACTION, keys[i].action) + 1;
	}
}

static void draw_last_line(struct ui *ui, struct canvas *canvas)
{
	unsigned int y = canvas->height - 1, x;

	if (ui->mode == MODE_PROMPT) {
		char input[4 * INPUT_LEN];

		text_escape_to(input, sizeof(input), ui->input);
		x = canvas_put(canvas, y, 0, canvas->width, STYLE_STRONG, ui->asking->prompt);
		x += canvas_put(canvas, y, x, canvas->width - x, STYLE_STRONG, ": ");
		x += canvas_put(canvas, y, x, canvas->width - x, STYLE_PLAIN, input);
		canvas_put(canvas, y, x, 1, STYLE_PLAIN, "_");
	} else if (*ui->message) {
		canvas_fit(canvas, y, 0, canvas->width,
			   ui->message_is_bad ? STYLE_BAD : STYLE_STRONG, ui->message, FIT_LEFT);
	} else {
		draw_keys(ui, canvas, y);
	}
}

static void draw_findings(const struct ui *ui, struct canvas *canvas, unsigned int y)
{
	unsigned int x = 1 + canvas_put(canvas, y, 1, canvas->width, STYLE_LABEL, "Findings ");

	canvas_fit(canvas, y, x, canvas->width - x, STYLE_BAD, ui->findings, FIT_LEFT);
}

void ui_draw(struct ui *ui, struct canvas *canvas)
{
	unsigned int y;

	canvas_wipe(canvas);
	if (ui->mode == MODE_HELP) {
		ui_draw_help(ui, canvas);
		return;
	}
	if (ui->mode == MODE_LIST) {
		ui_draw_list(ui, canvas);
		return;
	}
	y = ui_draw_header(ui, canvas);
	if (canvas->height >= 16 && *ui->findings)
		draw_findings(ui, canvas, y++);
	if (canvas->height >= 16)
		y += ui_draw_process(ui, canvas, y);
	if (canvas->height >= 10)
		draw_tabs(ui, canvas, y++);
	draw_table(ui, canvas, y);
	draw_last_line(ui, canvas);
}
