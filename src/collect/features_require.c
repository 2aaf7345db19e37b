// SPDX-License-Identifier: GPL-2.0-only
/* Decides by the features whether faultmap can run, and what to say at the start. */
#include <errno.h>
#include <stdio.h>

#include "collect/features.h"

static bool is_required(enum feature feature, bool follow)
{
	return feature_info(feature)->required || (follow && feature == FEATURE_PROCESS_FORK);
}

int features_require(const struct feature_set *features, bool follow, struct error *error)
{
	const struct feature_state *entry = &features->state[FEATURE_FAULT_ENTRY];
	const struct feature_state *perf = &features->state[FEATURE_PERF_EVENTS];
	const struct feature_state *walk = &features->state[FEATURE_TASK_WALK];
	const struct feature_state *iterator = &features->state[FEATURE_TASK_ITERATOR];

	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
		if (!is_required(feature, follow) || features->state[feature].available)
			continue;
		return error_set(error, feature == FEATURE_CAPABILITIES ? EPERM : ENOTSUP,
				 "cannot watch page faults: %s; %s", features->state[feature].why,
				 feature_info(feature)->remedy);
	}
	if (!entry->available && !perf->available)
		return error_set(error, EPERM, "cannot watch page faults: %s, and %s; %s",
				 entry->why, perf->why, feature_info(FEATURE_PERF_EVENTS)->remedy);
	if (!walk->available && !iterator->available)
		return error_set(error, EPERM, "cannot watch page faults: %s, and %s; %s",
				 walk->why, iterator->why,
				 feature_info(FEATURE_TASK_ITERATOR)->remedy);
	return 0;
}

/* The names of what is refused: "rss_stat, signals". */
static void list_refused(const struct feature_set *features, char *list, size_t size)
{
	size_t length = 0;

	list[0] = '\0';
	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++)
		if (features->state[feature].refused && length < size)
			length += snprintf(list + length, size - length, "%s%s", length ? ", " : "",
					   feature_info(feature)->name);
}

bool features_warn(const struct feature_set *features, bool follow, char *text, size_t size)
{
	char refused[256];

	list_refused(features, refused, sizeof(refused));
	if (!features->state[FEATURE_PERF_EVENTS].available)
		snprintf(
			text, size,
			"no perf events: major faults have no latency and are only known at the "
			"task's next fault, and there is no count of the kernel's to check the rows "
			"against; see `faultmap check`");
	else if (refused[0])
		snprintf(
			text, size,
			"this kernel refuses %s: continuing without; `faultmap check` says what is "
			"lost",
			refused);
	else if (!features->state[FEATURE_HOST_PROCESSES].available && !follow)
		snprintf(
			text, size,
			"only the processes of this PID namespace are watched; see `faultmap check`");
	else
		return false;
	return true;
}
