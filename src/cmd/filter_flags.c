// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/filter_flags.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

enum children { CHILDREN_YES, CHILDREN_NO };
const char *const filter_children[] = {
	[CHILDREN_YES] = "yes", [CHILDREN_NO] = "no", [CHILDREN_NO + 1] = NULL
};

bool filter_flags_given(const struct filter_flags *flags)
{
	return flags->pid.count || !filter_is_empty(&flags->by);
}

static int add_pid(struct filter_flags *flags, const char *word, struct error *error)
{
	char *end, shown[64];
	long pid;

	errno = 0;
	pid = strtol(word, &end, 10);
	text_escape_to(shown, sizeof(shown), word);
	if (errno || end == word || (*end && *end != ',') || pid <= 0 || pid > INT_MAX)
		return error_set(error, EINVAL, "--pid: \"%s\" is no pid; give numbers as 12,13",
				 shown);
	if (flags->n_pids == ATTACH_MAX)
		return error_set(error, EINVAL,
				 "--pid takes %d processes; give their --unit or --cgroup",
				 ATTACH_MAX);
	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return error_set(error, ESRCH, "there is no process %ld", pid);
	flags->pids[flags->n_pids++] = (pid_t)pid;
	return 0;
}

int filter_flags_read(struct filter_flags *flags, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < flags->pid.count && !result; i++) {
		const char *word = flags->pid.values[i];

		do {
			result = add_pid(flags, word, error);
			word = strchr(word, ',');
		} while (!result && word++);
	}
	return result;
}

void filter_flags_collect(const struct filter_flags *flags, struct collector_options *options)
{
	options->attach = flags->n_pids ? flags->pids : NULL;
	options->n_attach = flags->n_pids;
	options->attach_children = flags->n_pids && flags->children == CHILDREN_YES;
	options->wants_exe |= flags->by.exe.count > 0;
}

static void add_text(char *text, size_t size, const char *name, const struct option_list *list)
{
	char shown[128];

	for (size_t i = 0; i < list->count; i++) {
		size_t length = strlen(text);

		text_escape_to(shown, sizeof(shown), list->values[i]);
		snprintf(text + length, size - length, "%s%s%s", length && !i ? "; " : "",
			 i ? ", " : name, shown);
	}
}

void filter_flags_text(const struct filter_flags *flags, char *text, size_t size)
{
	*text = '\0';
	add_text(text, size, "pid ", &flags->pid);
	add_text(text, size, "comm ", &flags->by.comm);
	add_text(text, size, "exe ", &flags->by.exe);
	add_text(text, size, "unit ", &flags->by.unit);
	add_text(text, size, "cgroup ", &flags->by.cgroup);
	add_text(text, size, "uid ", &flags->by.uid);
	if (!*text)
		snprintf(text, size, "all processes");
}

void filter_flags_tell(const struct filter_flags *flags, const struct session *session)
{
	char text[512];

	if (session_has_matched(session))
		return;
	filter_flags_text(flags, text, sizeof(text));
	log_warning("no process matched: %s", text);
}
