// SPDX-License-Identifier: GPL-2.0-only
/* Questions on the last line, lists to choose from, and the help. */
#include <ctype.h>
#include <string.h>
#include <wchar.h>

#include "base/util.h"
#include "term/ui_data.h"

/* The input. ----------------------------------------------------------------------------------- */

static void drop_character(char *input)
{
	size_t length = strlen(input);

	while (length && ((unsigned char)input[length - 1] & 0xc0) == 0x80)
		length--;
	input[length ? length - 1 : 0] = '\0';
}

/* As UTF-8, whatever the locale is. */
static size_t encode(char bytes[5], unsigned int character)
{
	if (character < 0x80)
		return (size_t)sprintf(bytes, "%c", (char)character);
	if (character < 0x800)
		return (size_t)sprintf(bytes, "%c%c", (char)(0xc0 | character >> 6),
				       (char)(0x80 | (character & 0x3f)));
	if (character < 0x10000)
		return (size_t)sprintf(bytes, "%c%c%c", (char)(0xe0 | character >> 12),
				       (char)(0x80 | (character >> 6 & 0x3f)),
				       (char)(0x80 | (character & 0x3f)));
	return (size_t)sprintf(bytes, "%c%c%c%c", (char)(0xf0 | character >> 18),
			       (char)(0x80 | (character >> 12 & 0x3f)),
			       (char)(0x80 | (character >> 6 & 0x3f)),
			       (char)(0x80 | (character & 0x3f)));
}

/* True: the key was for the line that is being typed. */
static bool edit(char input[INPUT_LEN], int key)
{
	char bytes[5];

	if (key == UI_KEY_BACKSPACE || key == UI_KEY_DELETE) {
		drop_character(input);
		return true;
	}
	if (key == 'U' - 0x40) {
		*input = '\0';
		return true;
	}
	if (key < ' ' || key == 0x7f || key >= UI_KEY_UP)
		return false;
	if (strlen(input) + encode(bytes, (unsigned int)key) < INPUT_LEN)
		strcat(input, bytes);
	return true;
}

/* The table shows the effect of a search or a filter while it is being typed. */
static void try_input(struct ui *ui)
{
	char why[64];

	if (!strcmp(ui->asking->name, "search") && *ui->input)
		view_search(&ui->view, ui->input, false, false);
	if (strcmp(ui->asking->name, "filter"))
		return;
	view_freeze(&ui->view, false);
	if (view_filter(&ui->view, ui->input, why, sizeof(why)) == 0)
		ui_refresh(ui);
}

void ui_prompt_key(struct ui *ui, int key)
{
	const struct ui_command *command = ui->asking;

	if (key == UI_KEY_ESCAPE) {
		ui->mode = MODE_TABLE;
		if (!strcmp(command->name, "filter"))
			command->run(ui, "");
	} else if (key == UI_KEY_ENTER) {
		ui->mode = MODE_TABLE;
		command->run(ui, ui->input);
	} else if (edit(ui->input, key)) {
		try_input(ui);
	}
}

/* Lists. --------------------------------------------------------------------------------------- */

void ui_open_list(struct ui *ui, const char *title, const char *command)
{
	ui->mode = MODE_LIST;
	ui->list = (struct ui_list){ .title = title, .command = command };
	ui->input[0] = '\0';
}

void ui_add_item(struct ui *ui, const char *name, const char *help)
{
	if (ui->list.count < ITEMS_MAX)
		ui->list.items[ui->list.count++] = (struct ui_item){ name, help };
}

/* Shows the items that contain what was typed up to the first blank; the rest is an argument. */
void ui_narrow_list(struct ui *ui)
{
	struct ui_list *list = &ui->list;
	size_t length = strcspn(ui->input, " ");
	char word[INPUT_LEN];

	snprintf(word, sizeof(word), "%.*s", (int)length, ui->input);
	list->n_shown = list->cursor = 0;
	for (size_t i = 0; i < list->count; i++)
		if (strcasestr(list->items[i].name, word))
			list->shown[list->n_shown++] = i;
	for (size_t i = 0; i < list->n_shown; i++)
		if (!strcasecmp(list->items[list->shown[i]].name, word))
			list->cursor = i;
}

static void choose(struct ui *ui)
{
	const struct ui_list *list = &ui->list;
	const char *argument = strchr(ui->input, ' '), *name;
	char text[2 * INPUT_LEN];

	ui->mode = MODE_TABLE;
	if (!list->n_shown) {
		ui_complain(ui, "there is no \"%s\"", ui->input);
		return;
	}
	name = list->items[list->shown[list->cursor]].name;
	if (list->command)
		snprintf(text, sizeof(text), "%s %s", list->command, name);
	else
		snprintf(text, sizeof(text), "%s%s", name, argument ?: "");
	if (!list->command && !argument)
		ui_start(ui, ui_find_command(name));
	else
		ui_run(ui, text);
}

void ui_list_key(struct ui *ui, int key)
{
	struct ui_list *list = &ui->list;
	size_t last = list->n_shown ? list->n_shown - 1 : 0;

	if (key == UI_KEY_ESCAPE)
		ui->mode = MODE_TABLE;
	else if (key == UI_KEY_ENTER)
		choose(ui);
	else if (key == UI_KEY_UP)
		list->cursor -= list->cursor > 0;
	else if (key == UI_KEY_DOWN || key == UI_KEY_TAB)
		list->cursor += list->cursor < last;
	else if (key == UI_KEY_HOME || key == UI_KEY_PAGE_UP)
		list->cursor = 0;
	else if (key == UI_KEY_END || key == UI_KEY_PAGE_DOWN)
		list->cursor = last;
	else if (edit(ui->input, key))
		ui_narrow_list(ui);
}

void ui_draw_list(struct ui *ui, struct canvas *canvas)
{
	const struct ui_list *list = &ui->list;
	unsigned int height = canvas->height > 2 ? canvas->height - 2 : 1;
	unsigned int width = canvas->width, names = 18;
	size_t offset = list->cursor >= height ? list->cursor - height + 1 : 0;
	unsigned int x;

	canvas_wipe(canvas);
	canvas_fit(canvas, 0, 0, width, STYLE_TITLES, list->title, FIT_LEFT);
	for (unsigned int y = 0; y < height && offset + y < list->n_shown; y++) {
		const struct ui_item *item = &list->items[list->shown[offset + y]];
		enum style style = offset + y == list->cursor ? STYLE_SELECTED : STYLE_PLAIN;

		canvas_blank(canvas, y + 1, 0, width, style);
		canvas_put(canvas, y + 1, 0, 1, style, offset + y == list->cursor ? ">" : " ");
		canvas_fit(canvas, y + 1, 2, names, style, item->name, FIT_LEFT);
		canvas_put(canvas, y + 1, names + 3, width, style, item->help);
	}
	x = canvas_put(canvas, canvas->height - 1, 0, width, STYLE_STRONG, ": ");
	x += canvas_put(canvas, canvas->height - 1, x, width, STYLE_PLAIN, ui->input);
	canvas_put(canvas, canvas->height - 1, x, width, STYLE_PLAIN, "_");
}

/* Help. ---------------------------------------------------------------------------------------- */

static const char *const explained[] = {
	"FAULTS/s         of the last interval, per second: MINOR, MAJOR (they waited,",
	"                 as for a disk) and DENIED (SIGSEGV, SIGBUS) together",
	"STALL/s          time in faults that were timed, of all threads, per second",
	"MINOR MAJOR      totals: of processes and units the kernel's own (ps), else",
	"                 of processes that still run, since faultmap began; z: from now",
	"IN               memory that faults have brought in",
	"KIND, HOTTEST    the kind and the mapping with the most faults of the interval",
	"(COMMAND)        the process has exited; these are its last figures",
};

void ui_draw_help(struct ui *ui, struct canvas *canvas)
{
	size_t count = ui_n_commands + ARRAY_SIZE(explained) + 1;
	unsigned int height = canvas->height > 2 ? canvas->height - 2 : 1;
	unsigned int width = canvas->width;

	if (ui->help_offset + height > count)
		ui->help_offset = count > height ? count - height : 0;
	canvas_wipe(canvas);
	canvas_fit(canvas, 0, 0, width, STYLE_TITLES, "faultmap top: keys", FIT_LEFT);
	for (unsigned int y = 0; y < height && ui->help_offset + y < count; y++) {
		size_t i = ui->help_offset + y;

		if (i < ui_n_commands) {
			canvas_fit(canvas, y + 1, 1, 14, STYLE_STRONG, ui_commands[i].keys,
				   FIT_LEFT);
			canvas_fit(canvas, y + 1, 16, 16, STYLE_LABEL, ui_commands[i].name,
				   FIT_LEFT);
			canvas_put(canvas, y + 1, 33, width, STYLE_PLAIN, ui_commands[i].help);
		} else if (i > ui_n_commands) {
			canvas_put(canvas, y + 1, 1, width, STYLE_PLAIN,
				   explained[i - ui_n_commands - 1]);
		}
	}
	canvas_put(canvas, canvas->height - 1, 0, width, STYLE_DIM,
		   "Up, Down, PgUp, PgDn: more; any other key: back");
}
