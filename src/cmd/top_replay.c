// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap top --replay FILE...` on a terminal: recorded logs as if they were going on. */
#include "cmd/top_screen.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/log_reading.h"
#include "replay/player.h"

/* The shortest step of the clock, however fast the log is played. */
#define LEAST_MS 10
/* The timer's period while the log is paused and there is nothing to do. */
#define PAUSED_MS 86400000
/* A jump in compressed logs reads so much of the time before: rates, trends and findings look back,
 * and processes that stand still have had a line. */
#define JUMP_MARGIN_MS 600000
#define AFTER_THE_END "that is after the end of the log"

struct replay {
	const struct top_config *config;
	struct loop *loop;
	struct player *player;
	struct term *term;
	struct top_settings settings;
	struct recent_findings *findings; /* from the first snapshot on */
	struct error error;               /* why the loop ended */
	double speed;
	int64_t began_ms;     /* what is before it was left out; 0: nothing is */
	int64_t shown_ms;     /* of the snapshot that is shown, since 1970 */
	uint64_t interval_ms; /* of the snapshot that is shown */
	bool is_paused;
	struct log_complaints complaints;
};

static int handle_timer(void *context);

static void set_timer(struct replay *replay)
{
	uint64_t ms = (uint64_t)((double)replay->interval_ms / replay->speed);

	loop_set_timer(replay->loop, replay->is_paused ? PAUSED_MS : max_of(LEAST_MS, ms),
		       handle_timer, replay);
}

static void show_host(struct replay *replay)
{
	const struct jsonl_reader_info *info = player_info(replay->player);

	ui_set_host(term_ui(replay->term), info->host, info->kernel, info->detail);
}

static int64_t ms_of(const struct snapshot *snapshot)
{
	return (int64_t)snapshot->ts.tv_sec * 1000 + snapshot->ts.tv_nsec / 1000000;
}

/* Draws the snapshot. */
static int show(struct replay *replay, const struct snapshot *snapshot, struct error *error)
{
	show_host(replay);
	replay->interval_ms = snapshot->interval_ns / 1000000 ?: 1000;
	replay->shown_ms = ms_of(snapshot);
	set_timer(replay);
	if (top_show_findings(replay->term, replay->findings, snapshot, error) < 0)
		return -ENOMEM;
	return sink_term_tick(replay->term, snapshot, error);
}

/* What is passed unseen counts for rates and findings. */
static int note(struct replay *replay, const struct snapshot *snapshot, struct error *error)
{
	ui_note(term_ui(replay->term), snapshot);
	return recent_findings_tick(replay->findings, snapshot, error);
}

static void say_end(struct replay *replay)
{
	ui_say(term_ui(replay->term), "the end of the log: , steps back, T goes to a time");
	term_draw(replay->term);
}

/* Goes on by one interval: 1, or 0 at the end, or a negative errno. */
static int play(struct replay *replay, struct error *error)
{
	const struct snapshot *snapshot;
	int result = player_next(replay->player, &snapshot, error);

	if (result > 0)
		return show(replay, snapshot, error) ?: 1;
	if (!result)
		say_end(replay);
	return result;
}

static int handle_timer(void *context)
{
	struct replay *replay = context;
	int result = replay->is_paused ? 1 : play(replay, &replay->error);

	if (!result)
		loop_set_timer(replay->loop, PAUSED_MS, handle_timer, replay);
	return result < 0 ? result : 0;
}

/* Plays on without drawing until that interval or time is reached, and shows it. */
static int play_to(struct replay *replay, uint64_t position, int64_t ts_ms, struct error *error)
{
	const struct snapshot *snapshot = NULL;
	int result;

	do {
		result = player_next(replay->player, &snapshot, error);
		if (result > 0 && player_position(replay->player) >= position &&
		    ms_of(snapshot) >= ts_ms)
			break;
		if (result > 0)
			result = note(replay, snapshot, error) ?: 1;
	} while (result > 0);
	if (result < 0 || !snapshot)
		return result;
	if (!result)
		ui_say(term_ui(replay->term), AFTER_THE_END);
	return show(replay, snapshot, error);
}

/* To the beginning, or to what is needed from that time on. */
static int go_back(struct replay *replay, int64_t from_ms, struct error *error)
{
	replay->began_ms = from_ms > 0 ? from_ms : 0;
	ui_forget(term_ui(replay->term));
	if (recent_findings_reset(replay->findings) < 0)
		return error_set(error, ENOMEM, "looking for findings: out of memory");
	return player_rewind(replay->player, replay->began_ms, error);
}

/* Beyond the end of compressed logs nothing is read: then what was shown is shown again. */
static int seek(void *context, int64_t ts_ms, struct error *error)
{
	struct replay *replay = context;
	int64_t shown_ms = replay->shown_ms;
	int result = go_back(replay, ts_ms - JUMP_MARGIN_MS, error);

	if (!result)
		result = play_to(replay, 1, ts_ms, error);
	if (result || player_position(replay->player))
		return result;
	result = go_back(replay, shown_ms - JUMP_MARGIN_MS, error);
	if (!result)
		result = play_to(replay, 1, shown_ms, error);
	ui_say(term_ui(replay->term), AFTER_THE_END);
	return result;
}

/* To before what was read since a jump. 1: it begins with what is shown. */
static int step_over(struct replay *replay, struct error *error)
{
	int64_t shown_ms = replay->shown_ms;
	int result = 0;

	if (replay->began_ms)
		result = seek(replay, shown_ms - (int64_t)replay->interval_ms * 3 / 2, error);
	return result ?: replay->shown_ms >= shown_ms;
}

static int step(void *context, int intervals, struct error *error)
{
	struct replay *replay = context;
	uint64_t position = player_position(replay->player);
	int result;

	if (intervals > 0) {
		result = play(replay, error);
		return result < 0 ? result : 0;
	}
	if (position < 2) {
		result = step_over(replay, error);
		return result <= 0 ? result :
				     error_set(error, ERANGE, "this is the beginning of the log");
	}
	result = go_back(replay, replay->began_ms, error);
	return result ?: play_to(replay, position - 1, INT64_MIN, error);
}

static int set_pause(void *context, bool pause)
{
	struct replay *replay = context;

	replay->is_paused = pause;
	set_timer(replay);
	return 0;
}

static int set_speed(void *context, double speed)
{
	struct replay *replay = context;

	replay->speed = speed;
	set_timer(replay);
	return 0;
}

static int save(void *context, const char *text, char *ret_where, size_t size, struct error *error)
{
	struct replay *replay = context;

	return top_settings_save(&replay->settings, text, ret_where, size, error);
}

static void quit(void *context)
{
	struct replay *replay = context;

	loop_quit(replay->loop);
}

static int handle_signal(void *context, const struct signalfd_siginfo *info)
{
	(void)info;
	quit(context);
	return 0;
}

static void note_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	struct replay *replay = context;

	if (!replay->term) {
		log_complaints_print(&replay->complaints, path, line, why);
		return;
	}
	replay->complaints.count++;
	ui_say(term_ui(replay->term), "%s:%" PRIu64 ": %s", path, line, why);
}

static int open_loop(struct replay *replay, struct error *error)
{
	int result = loop_new(&replay->loop);

	if (!result)
		result = loop_add_signal(replay->loop, SIGINT, handle_signal, replay);
	if (!result)
		result = loop_add_signal(replay->loop, SIGTERM, handle_signal, replay);
	if (!result)
		result = loop_add_timer(replay->loop, PAUSED_MS, handle_timer, replay);
	if (result < 0)
		error_set(error, -result, "making the event loop: %s", strerror(-result));
	return result;
}

static int open_screen(struct replay *replay, struct error *error)
{
	struct term_options options = {
		.ui = { .is_replay = true,
			.keeps_interval = true,
			.page_size = player_info(replay->player)->page_size,
			.source = { .pause = set_pause,
				    .step = step,
				    .seek = seek,
				    .set_speed = set_speed,
				    .save = save,
				    .context = replay } },
		.on_quit = quit,
		.context = replay,
	};

	return top_open_term(&replay->term, &options, replay->config, &replay->settings,
			     replay->loop, error);
}

/* Reads the first interval before it takes the terminal, so that the error about a file that cannot
 * be read is printed as every other command prints it. */
static int run(struct replay *replay, struct error *error)
{
	const struct snapshot *snapshot;
	int result;

	top_settings_open(&replay->settings);
	result = open_loop(replay, error);
	if (result)
		return result;
	result = player_next(replay->player, &snapshot, error);
	if (!result)
		return error_set(error, ENODATA, "no interval in these lines; nothing to show");
	if (result < 0)
		return result;
	replay->findings = recent_findings_new(player_info(replay->player)->page_size,
					       RECENT_FINDINGS_WINDOW_NS, 0, NULL);
	result = replay->findings ? open_screen(replay, error) :
				    error_set(error, ENOMEM, "starting: out of memory");
	if (!result)
		result = log_reading_confine(SANDBOX_REPLAY, &replay->config->common.disabled,
					     error);
	if (!result)
		result = show(replay, snapshot, error);
	if (!result) {
		replay->error.text[0] = '\0';
		result = loop_run(replay->loop);
		if (result < 0)
			*error = replay->error;
	}
	return result;
}

int top_replay_on_screen(const struct top_config *config, char *const files[])
{
	struct replay replay = { .config = config, .speed = 1, .settings.fd = -1 };
	struct error error;
	int result;

	replay.player = player_new(files, note_complaint, &replay);
	if (!replay.player) {
		log_error("starting: out of memory");
		return EXIT_FAILED;
	}
	result = run(&replay, &error);
	term_close(replay.term);
	loop_free(replay.loop);
	player_free(replay.player);
	recent_findings_free(replay.findings);
	top_settings_close(&replay.settings);
	if (result < 0)
		log_error("%s", *error.text ? error.text : "waiting for events failed");
	return result < 0 || replay.complaints.count ? EXIT_FAILED : EXIT_DONE;
}
