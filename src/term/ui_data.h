/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of ui.h share; nobody else includes it. */
#ifndef FAULTMAP_UI_DATA_H
#define FAULTMAP_UI_DATA_H

#include "base/users.h"
#include "term/trend.h"
#include "term/ui.h"
#include "term/view.h"

#define INPUT_LEN 128
#define MESSAGE_LEN 512
#define HOST_LEN 256

/* What keys go to. */
enum ui_mode { MODE_TABLE, MODE_HELP, MODE_PROMPT, MODE_LIST };

struct ui_command {
	const char *name; /* for the palette and the settings */
	const char *keys; /* for the help */
	const char *help;
	const char *prompt; /* asked for where it has no argument; NULL: it takes none */
	/* argument: "" where it takes none */
	void (*run)(struct ui *ui, const char *argument);
	int codes[6]; /* of the keys */
};

/* A list to choose from: the palette, the columns, the views. */
struct ui_item {
	const char *name, *help;
};

#define ITEMS_MAX 64
struct ui_list {
	const char *title;
	const char *command; /* that takes the chosen name as its argument; NULL: the name is one */
	struct ui_item items[ITEMS_MAX];
	size_t count;
	size_t shown[ITEMS_MAX]; /* those that have the input */
	size_t n_shown;
	size_t cursor; /* in shown */
};

/* Where on the screen what is, for the mouse. */
struct ui_places {
	unsigned int titles_y, table_y, table_height, keys_y, tabs_y;
	struct placed columns[COLUMNS_MAX];
	size_t n_columns;
	struct {
		unsigned int x, width;
		int key;
	} keys[12];
	size_t n_keys;
	struct {
		unsigned int x, width;
		enum view_kind view;
	} tabs[VIEW_COUNT];
	size_t n_tabs;
};

struct ui {
	struct ui_options options;
	struct view view;
	struct trend trend;
	struct users users;
	struct ui_memory memory;
	char findings[512]; /* "": none */
	char host[HOST_LEN], kernel[HOST_LEN], detail[16];
	enum ui_mode mode;
	const struct ui_command *asking; /* of MODE_PROMPT */
	struct ui_list list;
	char input[INPUT_LEN];
	char searched[INPUT_LEN];
	char message[MESSAGE_LEN];
	bool message_is_bad;
	bool shows_commands; /* command lines */
	bool is_paused;
	bool is_cut_off; /* its source is not there: what is shown is old */
	bool moved;      /* the selection: it is to be seen */
	bool quits;
	double speed;
	size_t help_offset;
	struct ui_places places;
};

/* ui_commands.c */
extern const struct ui_command ui_commands[];
extern const size_t ui_n_commands;
const struct ui_command *ui_find_command(const char *name);
const struct ui_command *ui_command_of(int key);
/* Asks for its argument first, if it takes one. */
void ui_start(struct ui *ui, const struct ui_command *command);
/* Shows the table, or says why it cannot be. */
void ui_show_view(struct ui *ui, enum view_kind view);
extern const char *const view_names[VIEW_COUNT];
extern const enum view_kind view_tabs[VIEW_COUNT]; /* in the order of the screen */

/* ui_list.c */
void ui_open_list(struct ui *ui, const char *title, const char *command);
void ui_add_item(struct ui *ui, const char *name, const char *help);
void ui_narrow_list(struct ui *ui);
void ui_list_key(struct ui *ui, int key);
void ui_prompt_key(struct ui *ui, int key);
void ui_draw_list(struct ui *ui, struct canvas *canvas);
void ui_draw_help(struct ui *ui, struct canvas *canvas);

/* ui_header.c: how many lines it took. */
unsigned int ui_draw_header(struct ui *ui, struct canvas *canvas);
/* Of the process that the view is narrowed to. */
unsigned int ui_draw_process(struct ui *ui, struct canvas *canvas, unsigned int y);
/* A bar per latency, in so many lines at the most; returns how many. */
unsigned int ui_draw_histogram(struct ui *ui, struct canvas *canvas, unsigned int y,
			       unsigned int lines);

/* Makes the table anew: what is shown has changed. */
void ui_refresh(struct ui *ui);
void ui_complain(struct ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
