// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap run` without a command: what runs already, for a while. */
#include "cmd/run.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "cmd/privileges.h"

/* The processes of --pid, to be told when they have ended. */
struct watched {
	struct run *run;
	int pidfd; /* -1: it has ended */
};

struct attached {
	struct run *run;
	struct watched watched[ATTACH_MAX];
	size_t n_watched;
};

/* The number of ticks: -d is one interval unless -n says how many. In `stacks` and `explain`
 * ticks are at most a second apart, as files of code are opened, and resident memory is read, at
 * ticks. */
static uint64_t ticks_wanted(const struct run_config *config)
{
	if (config->count || !config->interval_ms)
		return config->count;
	return config->only_code || config->only_findings ? (config->interval_ms + 999) / 1000 : 1;
}

static uint64_t interval_wanted(const struct run_config *config)
{
	uint64_t ticks = ticks_wanted(config);

	if (!config->interval_ms)
		return 1000;
	return config->count ? config->interval_ms : config->interval_ms / ticks;
}

/* Which of --pid it is; n_pids: none of them. */
static size_t index_of(const struct run_config *config, uint32_t tgid)
{
	size_t i = 0;

	while (i < config->filter.n_pids && config->filter.pids[i] != (pid_t)tgid)
		i++;
	return i;
}

/* Some have ended that were seen, and were not reported as ended yet. */
static bool awaits_named(const struct run *run)
{
	size_t n_seen = 0, n_reported = 0;

	for (size_t i = 0; i < run->config->filter.n_pids; i++) {
		n_seen += run->named[i].is_seen;
		n_reported += run->named[i].is_reported;
	}
	return !run->n_attached && n_reported < n_seen;
}

/* A process that has ended may still be a zombie, as its parent has not waited for it: kill(2)
 * finds it. */
static int take_tick(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct run *run = context;
	uint64_t wanted = ticks_wanted(run->config);

	if (wanted && snapshot->tick >= wanted)
		session_stop(run->session);
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		size_t index = index_of(run->config, snapshot->processes[i]->tgid);

		if (index == run->config->filter.n_pids)
			continue;
		run->named[index].is_seen = true;
		run->named[index].is_reported |= snapshot->processes[i]->ended;
	}
	run_count_pending(run, snapshot, error);
	run->n_pending += awaits_named(run);
	return 0;
}

/* One of them has ended; with the last one all is over. */
static int handle_end(void *context, uint32_t events)
{
	struct watched *watched = context;
	struct run *run = watched->run;

	(void)events;
	loop_remove_fd(session_loop(run->session), watched->pidfd);
	close(watched->pidfd);
	watched->pidfd = -1;
	if (--run->n_attached == 0)
		session_stop(run->session);
	return 0;
}

/* Before the session is opened, so that none can end unseen. 0 or a negative errno. */
static int open_pidfds(struct attached *attached, struct error *error)
{
	const struct filter_flags *filter = &attached->run->config->filter;

	for (size_t i = 0; i < filter->n_pids; i++) {
		int pidfd = (int)syscall(SYS_pidfd_open, filter->pids[i], 0);

		if (pidfd < 0)
			return error_set(error, errno, "watching process %d: %s",
					 (int)filter->pids[i],
					 errno == ESRCH ? "it has ended" : strerror(errno));
		attached->watched[attached->n_watched++] = (struct watched){ .run = attached->run,
									     .pidfd = pidfd };
	}
	attached->run->n_attached = attached->n_watched;
	return 0;
}

static int watch_pidfds(struct attached *attached)
{
	struct loop *loop = session_loop(attached->run->session);
	int result = 0;

	for (size_t i = 0; i < attached->n_watched && !result; i++)
		result = loop_add_fd(loop, attached->watched[i].pidfd, EPOLLIN, handle_end,
				     &attached->watched[i]);
	return result;
}

static int give_up_privileges(struct run *run, struct error *error)
{
	struct privileges_user user;
	int result = privileges_find(&user, NULL, error);

	return result ? result :
			session_give_up_privileges(run->session, &user, &run->config->common,
						   SANDBOX_WATCH, error);
}

/* --unused: all pages count as untouched from here on. 0 or a negative errno with the error set. */
static int begin_unused(struct run *run, struct error *error)
{
	int result = 0;

	for (size_t i = 0; run->config->unused && i < run->config->filter.n_pids && !result; i++)
		result = referenced_begin((uint32_t)run->config->filter.pids[i],
					  &run->referenced[i], error);
	return result;
}

static int note_unused(void *context, const struct mapping_use *use)
{
	return findings_phases_note_unused(context, use->tgid, use->comm, use->mapping,
					   use->resident_bytes,
					   use->resident_bytes - min_of(use->resident_bytes,
									use->referenced_bytes));
}

/* Of processes that have ended nothing is known. As above. */
static int end_unused(struct run *run, struct error *error)
{
	for (size_t i = 0; i < run->config->filter.n_pids; i++) {
		int result = run->referenced[i] ?
				     referenced_end(run->referenced[i], note_unused, run->looker) :
				     0;

		if (result == -ESRCH)
			log_warning("process %d has ended, or runs another program: what it did "
				    "not use is not known",
				    (int)run->config->filter.pids[i]);
		else if (result)
			return error_set(error, -result, "reading what process %d used: %s",
					 (int)run->config->filter.pids[i], strerror(-result));
	}
	return 0;
}

static int prepare(struct attached *attached, struct error *error)
{
	struct run *run = attached->run;
	int result;

	run->interval_ms = interval_wanted(run->config);
	result = run_prepare(run, false, take_tick, error);
	if (result < 0)
		return result;
	session_set_sinks(run->session, &run->sinks, run_handle_result);
	result = session_set_filter(run->session, &run->config->filter.by);
	if (!result)
		result = watch_pidfds(attached);
	if (result < 0)
		return error_set(error, -result, "starting: %s", strerror(-result));
	result = begin_unused(run, error);
	if (result < 0)
		return result;
	/* With code it keeps its privileges: files of code are opened as they are seen, with the
	 * rights of the user. */
	return run_has_code(run) ? 0 : give_up_privileges(run, error);
}

/* To its end: 0 or a negative errno with the error set. */
static int follow(struct run *run, struct error *error)
{
	int result;

	run->begin_ns = monotonic_ns();
	result = session_run(run->session, error);
	run->wall_ns = monotonic_ns() - run->begin_ns;
	/* Of all processes somebody is always about to end. */
	if (!result && run->config->filter.n_pids)
		result = run_await_records(run, error);
	return result ?: run_await_stacks(run, error);
}

static int finish(struct run *run, struct error *error)
{
	struct sink_summary_run ended = { .wall_ns = run->wall_ns };
	char text[512];
	int result = end_unused(run, error);

	if (!result)
		result = run_end_verdict(run, error);

	if (run->jsonl && !result)
		result = run_drain(run, error);
	filter_flags_text(&run->config->filter, text, sizeof(text));
	ended.attached = text;
	filter_flags_tell(&run->config->filter, run->session);
	return run_print_end(run, &ended, result, error);
}

static int attach(struct attached *attached)
{
	struct run *run = attached->run;
	struct error error;
	int result = run_open_output(run, &error);

	if (!result)
		result = run_open_junit(run, &error);
	if (!result)
		result = open_pidfds(attached, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return EXIT_FAILED;
	}
	result = prepare(attached, &error);
	if (result < 0) {
		log_error("%s", error.text);
		return cmd_status_of(result);
	}
	result = follow(run, &error);
	if (!result)
		result = finish(run, &error);
	if (result < 0)
		log_error("%s", error.text);
	run->failed |= result < 0;
	return run_judge(run, EXIT_DONE);
}

int run_attach(struct run *run)
{
	struct attached attached = { .run = run };
	int status = attach(&attached);

	for (size_t i = 0; i < attached.n_watched; i++)
		if (attached.watched[i].pidfd >= 0)
			close(attached.watched[i].pidfd);
	for (size_t i = 0; i < ATTACH_MAX; i++)
		referenced_free(run->referenced[i]);
	return status;
}
