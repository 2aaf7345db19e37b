// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/guarded.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* A number up to one of `ends`; 0: it is none. */
static pid_t read_number(const char **text, const char *ends)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(*text, &end, 10);
	if (errno || end == *text || **text < '0' || **text > '9' || number <= 0 ||
	    number > INT_MAX || !strchr(ends, *end))
		return 0;
	*text = end;
	return (pid_t)number;
}

/* Adds it unless it is there. False: there is no room. */
static bool add(pid_t *list, size_t *count, pid_t number)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i] == number)
			return true;
	if (*count == ATTACH_MAX)
		return false;
	list[(*count)++] = number;
	return true;
}

static int add_one(struct guarded *guarded, pid_t pid, pid_t tid, struct error *error)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)(tid ?: pid));
	if (access(path, F_OK) < 0 && tid)
		return error_set(error, ESRCH, "process %d has no thread %d", (int)pid, (int)tid);
	if (access(path, F_OK) < 0)
		return error_set(error, ESRCH, "there is no process %d", (int)pid);
	if (add(guarded->pids, &guarded->n_pids, pid) &&
	    (tid ? add(guarded->tids, &guarded->n_tids, tid) :
		   add(guarded->whole, &guarded->n_whole, pid)))
		return 0;
	return error_set(error, EINVAL, "--pid takes %d processes and threads; give their --unit",
			 ATTACH_MAX);
}

/* PID[/TID][,PID[/TID]]... */
static int add_word(struct guarded *guarded, const char *word, struct error *error)
{
	const char *at = word;
	char shown[64];
	int result;

	do {
		pid_t pid = read_number(&at, "/,"), tid = 0;

		if (pid && *at == '/') {
			at++;
			tid = read_number(&at, ",");
			pid = tid ? pid : 0;
		}
		if (!pid) {
			text_escape_to(shown, sizeof(shown), word);
			return error_set(error, EINVAL,
					 "--pid: \"%s\" is no list of processes and threads; "
					 "give numbers as 12,13/14",
					 shown);
		}
		result = add_one(guarded, pid, tid, error);
	} while (!result && *at++ == ',');
	return result;
}

int guarded_read(struct guarded *ret_guarded, const struct option_list *list, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < list->count && !result; i++)
		result = add_word(ret_guarded, list->values[i], error);
	return result;
}
