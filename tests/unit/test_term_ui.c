// SPDX-License-Identifier: GPL-2.0-only
/* The whole view without its terminal: a recorded log goes in, keys too, and screens come out, which
 * are held against tests/golden/screen_*.txt. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "golden.h"
#include "replay/player.h"
#include "term/ui.h"

#define LOG "tests/golden/screen.jsonl"

static void no_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	(void)context;
	fail_msg("%s:%d: %s", path, (int)line, why);
}

struct shown {
	struct player *player;
	struct ui *ui;
	uint64_t interval_ms; /* as set last */
	char saved[1024];
};

static int set_interval(void *context, uint64_t interval_ms)
{
	((struct shown *)context)->interval_ms = interval_ms;
	return 0;
}

static int save(void *context, const char *text, char *ret_where, size_t size, struct error *error)
{
	struct shown *shown = context;

	(void)error;
	snprintf(shown->saved, sizeof(shown->saved), "%s", text);
	snprintf(ret_where, size, "/here");
	return 0;
}

static const char *command(void *context, uint32_t tgid, uint64_t start_ns)
{
	(void)context;
	(void)start_ns;
	return tgid == 977 ? "python3 demo.py \033[2J" : NULL;
}

static void play(struct shown *shown, unsigned int intervals)
{
	const struct jsonl_reader_info *info;
	const struct snapshot *snapshot;
	struct error error;

	for (unsigned int i = 0; i < intervals; i++) {
		assert_int_equal(player_next(shown->player, &snapshot, &error), 1);
		assert_int_equal(ui_tick(shown->ui, snapshot), 0);
	}
	info = player_info(shown->player);
	ui_set_host(shown->ui, info->host, info->kernel, info->detail);
}

/* As after so many intervals of the log. */
static void open_log(struct shown *shown, unsigned int intervals, bool ascii)
{
	static char *const files[] = { LOG, NULL };
	const struct ui_options options = {
		.ascii = ascii,
		.interval_ms = 1000,
		.page_size = 4096,
		.source = { .set_interval = set_interval,
			    .save = save,
			    .command = command,
			    .context = shown },
	};

	*shown = (struct shown){ .player = player_new(files, no_complaint, NULL),
				 .ui = ui_new(&options) };
	assert_non_null(shown->player);
	assert_non_null(shown->ui);
	play(shown, intervals);
}

static void close_log(struct shown *shown)
{
	ui_free(shown->ui);
	player_free(shown->player);
}

static void keys(struct shown *shown, const char *text)
{
	for (; *text; text++)
		assert_true(ui_key(shown->ui, *text));
}

static char *draw(struct shown *shown, unsigned int width, unsigned int height, bool ascii)
{
	struct canvas canvas;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_int_equal(canvas_init(&canvas, height, width, ascii), 0);
	ui_draw(shown->ui, &canvas);
	canvas_print(&canvas, stream);
	fclose(stream);
	canvas_clear(&canvas);
	return text;
}

static void assert_screen(struct shown *shown, unsigned int width, unsigned int height,
			  const char *golden)
{
	autofree char *text = draw(shown, width, height, false);

	assert_golden(golden, text);
}

static void assert_shows(struct shown *shown, const char *wanted)
{
	autofree char *text = draw(shown, 132, 43, false);

	if (!strstr(text, wanted))
		fail_msg("\"%s\" is not in\n%s", wanted, text);
}

static void assert_shows_not(struct shown *shown, const char *unwanted)
{
	autofree char *text = draw(shown, 132, 43, false);

	if (strstr(text, unwanted))
		fail_msg("\"%s\" is in\n%s", unwanted, text);
}

static const struct ui_memory memory = { 16UL << 30, 12UL << 30, 2UL << 30, 1UL << 30 };

/* A column, where the screen is wide or the table is ordered by it: the first of a process. */
static void a_process_has_its_finding(void **state)
{
	static const struct process_finding findings[] = { { 977, "again" },
							   { 4711, "cold-file" },
							   { 977, "cow-storm" },
							   { 1500, "denied-mechanism" } };
	struct shown shown;

	(void)state;
	open_log(&shown, 2, false);
	assert_shows_not(&shown, "FINDING");
	ui_set_findings(shown.ui, "again python3[977] (1.2s)", findings, ARRAY_SIZE(findings));
	play(&shown, 1);
	assert_screen(&shown, 80, 24, "screen_finding_80x24.txt");
	assert_screen(&shown, 120, 40, "screen_finding_120x40.txt");
	assert_true(ui_run(shown.ui, "sort finding"));
	assert_screen(&shown, 80, 24, "screen_finding_sorted.txt");
	close_log(&shown);
}

static void screens_are_as_they_were(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 3, false);
	ui_set_memory(shown.ui, &memory);
	ui_set_findings(shown.ui, "again python3[4711] (1.2s), cow-storm redis-server[5]", NULL, 0);
	assert_screen(&shown, 80, 24, "screen_findings.txt");
	ui_set_findings(shown.ui, "", NULL, 0);
	assert_screen(&shown, 80, 24, "screen_80x24.txt");
	assert_screen(&shown, 132, 43, "screen_132x43.txt");
	assert_screen(&shown, 40, 10, "screen_40x10.txt");
	assert_screen(&shown, 20, 5, "screen_20x5.txt");
	keys(&shown, "2");
	assert_screen(&shown, 100, 24, "screen_units.txt");
	keys(&shown, "3");
	assert_screen(&shown, 100, 24, "screen_mappings.txt");
	keys(&shown, "4");
	assert_screen(&shown, 100, 24, "screen_files.txt");
	keys(&shown, "5");
	assert_screen(&shown, 100, 24, "screen_kinds.txt");
	keys(&shown, "1at");
	assert_screen(&shown, 100, 24, "screen_tree.txt");
	keys(&shown, "h");
	assert_screen(&shown, 100, 60, "screen_help.txt");
	keys(&shown, "q:");
	assert_screen(&shown, 80, 24, "screen_palette.txt");
	close_log(&shown);
}

/* On a screen of 80 columns as on a wider one. */
static void help_is_not_cut(void **state)
{
	struct shown shown;
	autofree char *narrow = NULL, *wide = NULL;

	(void)state;
	open_log(&shown, 1, false);
	keys(&shown, "h");
	narrow = draw(&shown, 80, 70, false);
	wide = draw(&shown, 132, 70, false);
	assert_string_equal(narrow, wide);
	close_log(&shown);
}

/* A line for each latency, with a cell for each interval; in a unit there are its counts alone. */
static void latencies_are_seen_over_time(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 6, false);
	keys(&shown, "8");
	assert_screen(&shown, 100, 30, "screen_latency.txt");
	keys(&shown, "2\n8");
	assert_shows(&shown, "[Latency]");
	assert_shows_not(&shown, "·");
	assert_false(ui_key(shown.ui, 'q'));
	close_log(&shown);
}

/* The demo's 131,072 pages are in its mapping, from its lowest slice to its highest. */
static void one_sees_into_a_process(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 5, false);
	keys(&shown, "\n");
	assert_screen(&shown, 132, 30, "screen_process.txt");
	assert_screen(&shown, 80, 24, "screen_process_80x24.txt");
	assert_shows(&shown, "131,072");
	keys(&shown, "/anon\n\n");
	assert_screen(&shown, 100, 30, "screen_mapping.txt");
	keys(&shown, "\033");
	assert_shows(&shown, "[Address space]");
	assert_true(ui_key(shown.ui, UI_KEY_BACKSPACE));
	assert_shows(&shown, "[Processes]");
	close_log(&shown);
}

static void ascii_has_nothing_else(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 5, true);
	for (int i = 0; i < 3; i++) {
		autofree char *text = draw(&shown, 132, 43, true);

		for (const char *next = text; *next; next++)
			assert_true((unsigned char)*next < 0x7f);
		if (!i)
			assert_golden("screen_ascii.txt", text);
		keys(&shown, "\n");
	}
	close_log(&shown);
}

/* Nothing of a name's control characters or escape sequences reaches the screen as such. */
static void names_are_shown_not_sent(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 2, false);
	keys(&shown, "ac");
	assert_shows(&shown, "w\\x1b[31m\\xff");
	assert_shows(&shown, "python3 demo.py \\x1b[2J");
	keys(&shown, "3");
	assert_shows(&shown, "/tmp/日本語\\x0a");
	assert_shows_not(&shown, "\033");
	close_log(&shown);
}

static void what_is_typed_is_asked_for(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 2, false);
	keys(&shown, "\\post");
	assert_shows(&shown, "Filter: post_");
	assert_shows_not(&shown, "python3"); /* already while one types */
	keys(&shown, "\n");
	assert_shows(&shown, "filter post");
	keys(&shown, "\033");
	assert_shows(&shown, "python3");
	keys(&shown, "\\/(/\n");
	assert_shows(&shown, "no regular expression");
	keys(&shown, "\033d0.25\n");
	assert_int_equal(shown.interval_ms, 250);
	keys(&shown, "d7x\n");
	assert_shows(&shown, "give seconds from 0.05 to 86400");
	assert_int_equal(shown.interval_ms, 250);
	keys(&shown, "u3999990001\n");
	assert_shows_not(&shown, "postgres");
	keys(&shown, "u\n");
	assert_shows(&shown, "postgres");
	keys(&shown, "unobody_of_that_name\n");
	assert_shows(&shown, "there is no user");
	keys(&shown, "p412\n\n");
	assert_shows(&shown, "PID 412  postgres");
	keys(&shown, "\033P");
	assert_shows(&shown, "only a recorded log can do that");
	keys(&shown, ":sort maj\033:sort major\n");
	assert_shows(&shown, "▼MAJOR/s");
	keys(&shown, "I");
	assert_shows(&shown, "reversed");
	keys(&shown, ":nothing\n");
	assert_shows(&shown, "there is no \"nothing\"");
	close_log(&shown);
}

static void settings_come_back(void **state)
{
	struct shown shown, again;

	(void)state;
	open_log(&shown, 2, false);
	keys(&shown, "2at:sort major\nd5\nw");
	assert_shows(&shown, "settings are in /here");
	open_log(&again, 2, false);
	assert_int_equal(ui_load_settings(again.ui, shown.saved), 0);
	assert_shows(&again, "[Units]");
	assert_shows(&again, "▼MAJOR/s");
	assert_int_equal(again.interval_ms, 5000);
	assert_int_equal(ui_load_settings(again.ui, "# a comment\n\nview = nowhere\n"), 3);
	assert_int_equal(ui_load_settings(again.ui, "quit = on\n"), 1);
	assert_int_equal(ui_load_settings(again.ui, "tree = maybe\n"), 1);
	assert_true(ui_key(again.ui, 'x')); /* quit was no setting */
	close_log(&again);
	close_log(&shown);
}

/* A delay that was given stays, and is written. */
static void flags_come_before_settings(void **state)
{
	struct shown shown = {};
	const struct ui_options options = {
		.interval_ms = 2000,
		.keeps_interval = true,
		.source = { .set_interval = set_interval, .context = &shown },
	};
	struct ui *ui = ui_new(&options);
	autofree char *text = NULL;

	(void)state;
	assert_non_null(ui);
	assert_int_equal(ui_load_settings(ui, "delay = 5\n"), 0);
	assert_int_equal(shown.interval_ms, 0);
	text = ui_settings(ui);
	assert_non_null(text);
	assert_non_null(strstr(text, "\ndelay = 2\n"));
	ui_free(ui);
}

static void q_leaves(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 1, false);
	keys(&shown, "h"); /* any key leaves the help */
	keys(&shown, "q");
	assert_false(ui_key(shown.ui, 'q'));
	close_log(&shown);
}

/* Without a snapshot, and with one that has nobody. */
static void emptiness_is_drawn(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 0, false);
	assert_shows(&shown, "the first interval has not ended yet");
	keys(&shown, "\n12345tZFznN\033");
	assert_true(ui_key(shown.ui, UI_KEY_END));
	assert_true(ui_key(shown.ui, UI_KEY_PAGE_UP));
	close_log(&shown);
}

static int random_key(unsigned int *seed)
{
	static const int special[] = { UI_KEY_UP,        UI_KEY_DOWN,      UI_KEY_PAGE_UP,
				       UI_KEY_PAGE_DOWN, UI_KEY_HOME,      UI_KEY_END,
				       UI_KEY_ENTER,     UI_KEY_ESCAPE,    UI_KEY_TAB,
				       UI_KEY_BACKTAB,   UI_KEY_BACKSPACE, UI_KEY_ENTER };
	int drawn = rand_r(seed) % 100;

	if (drawn < 45)
		return special[(size_t)drawn % ARRAY_SIZE(special)];
	if (drawn < 50)
		return UI_KEY_F0 + rand_r(seed) % 14;
	if (drawn < 53)
		return 0x80 + rand_r(seed) % 0x3000;
	return ' ' + rand_r(seed) % 95;
}

/* Each width that a terminal may have, the narrowest too: what is drawn there takes no time. */
static void any_width_is_drawn(void **state)
{
	struct shown shown;

	(void)state;
	open_log(&shown, 3, false);
	ui_set_memory(shown.ui, &memory);
	for (unsigned int width = 1; width <= 132; width++)
		free(draw(&shown, width, 24, false));
	keys(&shown, "\n");
	for (unsigned int width = 1; width <= 132; width++)
		free(draw(&shown, width, 24, false));
	close_log(&shown);
}

/* Whatever is pressed, clicked and resized: with the sanitizers this is where they look. */
static void random_keys_do_no_harm(void **state)
{
	const char *wanted = getenv("RANDOM_KEYS");
	unsigned int seed = 1, rounds = wanted ? (unsigned int)atoi(wanted) : 30;
	struct shown shown;

	(void)state;
	for (unsigned int round = 0; round < rounds; round++) {
		open_log(&shown, 1, round % 4 == 0);
		ui_set_memory(shown.ui, &memory);
		for (unsigned int i = 0, ticks = 1; i < 300; i++) {
			unsigned int width = 1 + (unsigned int)rand_r(&seed) % 200;
			unsigned int height = 1 + (unsigned int)rand_r(&seed) % 60;

			if (i % 50 == 49 && ticks++ < 6)
				play(&shown, 1);
			if (i % 7 == 0)
				ui_click(shown.ui, (unsigned int)rand_r(&seed) % height,
					 (unsigned int)rand_r(&seed) % width);
			else
				ui_key(shown.ui, random_key(&seed));
			free(draw(&shown, width, height, round % 4 == 0));
		}
		close_log(&shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screens_are_as_they_were),
		cmocka_unit_test(help_is_not_cut),
		cmocka_unit_test(a_process_has_its_finding),
		cmocka_unit_test(latencies_are_seen_over_time),
		cmocka_unit_test(one_sees_into_a_process),
		cmocka_unit_test(ascii_has_nothing_else),
		cmocka_unit_test(names_are_shown_not_sent),
		cmocka_unit_test(what_is_typed_is_asked_for),
		cmocka_unit_test(settings_come_back),
		cmocka_unit_test(flags_come_before_settings),
		cmocka_unit_test(q_leaves),
		cmocka_unit_test(emptiness_is_drawn),
		cmocka_unit_test(any_width_is_drawn),
		cmocka_unit_test(random_keys_do_no_harm),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("term_ui", tests, NULL, NULL);
}
