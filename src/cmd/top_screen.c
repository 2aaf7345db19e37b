// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap top` on a terminal. */
#include "cmd/top_screen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "collect/memory.h"
#include "base/log.h"
#include "base/util.h"
#include "cmd/session.h"
#include "base/command_line.h"
#include "collect/host_memory.h"
#include "sink/finding_text.h"

struct top_screen {
	const struct top_config *config;
	struct session *session;
	struct term *term;
	struct top_settings settings;
	struct recent_findings *findings;
	const struct snapshot *snapshot; /* the last; NULL: none yet */
	char command[COMMAND_LINE_LEN];
};

bool top_has_screen(void)
{
	return isatty(STDIN_FILENO) && term_is_possible(STDOUT_FILENO);
}

/* The tables of the screen that --by has words for, and what they call a name; NULL: none. */
static const struct {
	const char *view, *name;
} views[] = {
	[BY_PROCESS] = { "processes", "comm" }, [BY_MAPPING] = { "mappings", "mapping" },
	[BY_FILE] = { "files", "file" },        [BY_KIND] = { "kinds", "kind" },
	[BY_UNIT] = { "units", "name" },
};

/* The columns that the words of --sort mean. */
static const char *const sort_columns[] = {
	[SORT_STALL] = "stall", [SORT_FAULTS] = "faults", [SORT_MINOR] = "minor",
	[SORT_MAJOR] = "major", [SORT_DENIED] = "denied", [SORT_BYTES] = "faulted",
	[SORT_RATE] = "faults", [SORT_PAGES] = "faulted", [SORT_RSS] = "rss",
	[SORT_VSZ] = "vsz",     [SORT_PID] = "pid",
};

bool top_screen_has(enum grouping_by by)
{
	return by < ARRAY_SIZE(views) && views[by].view;
}

/* What the flags say, as settings; they come after those of the file. */
static void set_by_flags(struct ui *ui, const struct table_options *table)
{
	enum grouping_by by = table_by(table, BY_PROCESS);
	enum tally_sort sort = (enum tally_sort)table->sort;
	char text[128];

	if (table->by != TABLE_UNSET || table->commands) {
		snprintf(text, sizeof(text), "view = %s", views[by].view);
		ui_load_settings(ui, text);
	}
	if (table->commands)
		ui_load_settings(ui, "commands = on");
	if (table->all)
		ui_load_settings(ui, "all = on");
	if (sort == SORT_COST)
		return;
	snprintf(text, sizeof(text), "sort = %s",
		 sort == SORT_NAME ? views[by].name : sort_columns[sort]);
	ui_load_settings(ui, text);
}

int top_open_term(struct term **ret_term, struct term_options *options,
		  const struct top_config *config, const struct top_settings *settings,
		  struct loop *loop, struct error *error)
{
	const char *no_color = getenv("NO_COLOR");
	unsigned int bad_line = 0;
	int result;

	options->fd = STDOUT_FILENO;
	options->has_colours = !no_color || !*no_color;
	options->ui.ascii = config->ascii;
	result = term_open(ret_term, options, loop, error);
	if (!result && settings->text)
		bad_line = ui_load_settings(term_ui(*ret_term), settings->text);
	if (!result)
		set_by_flags(term_ui(*ret_term), &config->table);
	if (bad_line)
		ui_say(term_ui(*ret_term), "%s: line %u is no setting of top", settings->path,
		       bad_line);
	return result;
}

static int set_interval(void *context, uint64_t interval_ms)
{
	struct top_screen *top = context;

	return session_set_interval(top->session, interval_ms);
}

static const char *command_of(void *context, uint32_t tgid, uint64_t start_ns)
{
	struct top_screen *top = context;
	const struct process *process =
		top->snapshot ? snapshot_find_process(top->snapshot, tgid, start_ns) : NULL;

	if (!process)
		return NULL;
	if (!process->ended && command_line_read(top->command, sizeof(top->command), tgid))
		return top->command;
	return *process->command ? process->command : NULL;
}

static int save(void *context, const char *text, char *ret_where, size_t size, struct error *error)
{
	struct top_screen *top = context;

	return top_settings_save(&top->settings, text, ret_where, size, error);
}

static void quit(void *context)
{
	struct top_screen *top = context;

	session_stop_at_once(top->session);
}

static int handle_signal(void *context, const struct signalfd_siginfo *info)
{
	(void)info;
	quit(context);
	return 0;
}

/* Before the sink: memory as of this tick. */
static void show_memory(struct top_screen *top)
{
	struct host_memory memory;
	struct ui_memory shown = {};

	if (host_memory_read(&memory) == 0)
		shown = (struct ui_memory){ memory.total, memory.available, memory.swap_total,
					    memory.swap_free };
	ui_set_memory(term_ui(top->term), &shown);
}

int top_show_findings(struct term *term, struct recent_findings *findings,
		      const struct snapshot *snapshot, struct error *error)
{
	int result = recent_findings_tick(findings, snapshot, error);
	struct process_finding of_processes[FINDINGS_SHOWN];
	char line[512];
	size_t count, n_shown = 0;
	const struct finding *list = recent_findings_list(findings, &count, NULL);

	for (size_t i = 0; i < count && n_shown < FINDINGS_SHOWN; i++)
		if (list[i].pid)
			of_processes[n_shown++] = (struct process_finding){ (uint32_t)list[i].pid,
									    list[i].name };
	ui_set_findings(term_ui(term), finding_text_line(list, count, line, sizeof(line)),
			of_processes, n_shown);
	return result;
}

static int handle_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct top_screen *top = context;

	top->snapshot = snapshot;
	show_memory(top);
	if (top_show_findings(top->term, top->findings, snapshot, error) < 0)
		return -ENOMEM;
	return sink_term_tick(top->term, snapshot, error);
}

static int open_screen(struct top_screen *top, struct error *error)
{
	struct term_options options = {
		.ui = { .interval_ms = top->config->interval_ms,
			.keeps_interval = top->config->has_interval,
			.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
			.source = { .set_interval = set_interval,
				    .command = command_of,
				    .save = save,
				    .context = top } },
		.on_quit = quit,
		.context = top,
	};
	const struct collector_info *info = session_info(top->session);
	struct utsname system = {};
	int result = top_open_term(&top->term, &options, top->config, &top->settings,
				   session_loop(top->session), error);

	if (result < 0)
		return result;
	uname(&system);
	ui_set_host(term_ui(top->term), system.nodename, system.release,
		    watch_details[info->detail]);
	if (info->warning)
		ui_say(term_ui(top->term), "%s", info->warning);
	return 0;
}

static int run(struct top_screen *top, const struct privileges_user *user, struct error *error)
{
	int result;

	top->findings = recent_findings_new((uint64_t)sysconf(_SC_PAGESIZE),
					    RECENT_FINDINGS_WINDOW_NS, 0, memory_limit_of);
	if (!top->findings)
		return error_set(error, ENOMEM, "starting: out of memory");
	top_settings_open(&top->settings);
	result = open_screen(top, error);
	if (result < 0)
		return result;
	session_set_signal(top->session, handle_signal);
	result = session_set_filter(top->session, &top->config->filter.by);
	if (result < 0)
		return error_set(error, -result, "starting: %s", strerror(-result));
	result = session_give_up_privileges(top->session, user, &top->config->common,
					    SANDBOX_SCREEN, error);
	if (!result)
		result = session_run(top->session, error);
	return result;
}

int top_on_screen(const struct top_config *config, const struct privileges_user *user)
{
	struct collector_options options = watch_collector(&config->watch, &config->common);
	struct top_screen top = { .config = config, .settings.fd = -1 };
	struct error error;
	int result;

	options.wants_command = config->table.commands;
	filter_flags_collect(&config->filter, &options);
	result = session_open(&top.session, &options, config->interval_ms, handle_tick, &top,
			      &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	result = run(&top, user, &error);
	term_close(top.term);
	session_close(top.session);
	recent_findings_free(top.findings);
	top_settings_close(&top.settings);
	if (result < 0)
		log_error("%s", error.text);
	return result < 0 ? EXIT_FAILED : EXIT_DONE;
}
