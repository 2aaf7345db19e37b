// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/group_label.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/command_line.h"
#include "model/grouping.h"

const char *const group_by_names[] = {
	[GROUP_BY_UNIT] = "unit", [GROUP_BY_POD] = "pod",    [GROUP_BY_CGROUP] = "cgroup",
	[GROUP_BY_COMM] = "comm", [GROUP_BY_EXE] = "exe",    [GROUP_BY_UID] = "uid",
	[GROUP_BY_PID] = "pid",   [GROUP_BY_PID + 1] = NULL,
};

/* As systemctl, node_exporter and cAdvisor write it, with the \x2d of systemd, so that labels can
 * be joined; escaped only where it is not plain ASCII. */
static void label_cgroup(char label[LABEL_LEN], const char *name)
{
	const char *next = name;

	while (*next >= 0x20 && *next < 0x7f)
		next++;
	if (*next || next - name >= LABEL_LEN)
		label_text(label, name);
	else
		strcpy(label, name);
}

/* "/usr/bin/cat"; "[cat]" where that is private or not known. Of a process that has ended the
 * collector may know it. */
static void exe_of(char *path, size_t size, const struct group_labels *labels,
		   const struct process *process)
{
	char link[32];
	ssize_t length = -1;

	snprintf(link, sizeof(link), "/proc/%" PRIu32 "/exe", process->tgid);
	if (!process->ended)
		length = readlink(link, path, size - 1);
	if (length < 0)
		snprintf(path, size, "%s", process->exe);
	else
		path[length] = '\0';
	if (!*path ||
	    (labels->public_names && !public_names_has(labels->public_names, path, labels->now_ns)))
		snprintf(path, size, *process->comm ? "[%s]" : "%s",
			 grouping_process_name(BY_COMM, process, NULL, 0));
}

/* NULL: not known. */
static const char *command_of(char *buffer, size_t size, const struct process *process)
{
	if (!process->ended && command_line_read(buffer, size, process->tgid))
		return buffer;
	return *process->command ? process->command : NULL;
}

struct subject {
	const struct group_labels *labels;
	const struct process *process;
};
_Static_assert(RULE_TEXT_LEN >= UNIT_NAME_LEN, "a rule sees all of a unit's name");

/* For rules. */
static const char *text_of(void *context, enum rule_field field, char buffer[RULE_TEXT_LEN])
{
	const struct subject *subject = context;
	const struct process *process = subject->process;

	switch (field) {
	case RULE_COMM:
		return grouping_process_name(BY_COMM, process, NULL, 0);
	case RULE_EXE:
		exe_of(buffer, RULE_TEXT_LEN, subject->labels, process);
		return buffer;
	case RULE_CMDLINE:
		return command_of(buffer, RULE_TEXT_LEN, process);
	case RULE_UNIT:
		return grouping_process_name(BY_UNIT, process, buffer, RULE_TEXT_LEN);
	case RULE_CGROUP:
		return grouping_process_name(BY_CGROUP, process, NULL, 0);
	default:
		return NULL;
	}
}

static bool label_by_rule(char label[LABEL_LEN], const struct group_labels *labels,
			  const struct process *process)
{
	struct subject subject = { labels, process };
	char name[2 * LABEL_LEN];

	if (!group_rules_match(labels->rules, text_of, &subject, name, sizeof(name)))
		return false;
	label_cgroup(label, name);
	return true;
}

/* The names of the pod and the container that the process is in, if it is in one. */
static void name_pod(struct group_label *label, const struct group_labels *labels,
		     const struct process *process)
{
	if (!label->unit.pod_uid[0])
		return;
	pod_names_find(labels->pod_names, &label->unit, labels->now_ns, &label->pod);
	if (!pod_names_are_listed(labels->pod_names) && !process->ended)
		pod_names_ask(process->tgid, &label->pod);
}

static void label_unit(struct group_label *label, const struct group_labels *labels,
		       const struct process *process)
{
	struct unit_name *unit = &label->unit;

	unit_name_of(unit, process->cgroup);
	if (labels->by == GROUP_BY_UNIT || !unit->pod_uid[0]) {
		name_pod(label, labels, process);
		label_cgroup(label->text, unit->name);
		return;
	}
	unit->container_id[0] = '\0'; /* of one of several */
	unit->runtime = "";
	name_pod(label, labels, process);
	label->pod.container[0] = '\0';
	if (pod_has_name(&label->pod))
		snprintf(unit->name, sizeof(unit->name), "%s/%s", label->pod.space,
			 label->pod.name);
	else
		snprintf(unit->name, sizeof(unit->name), POD_WITHOUT_NAME "%s", unit->pod_uid);
	label_cgroup(label->text, unit->name);
}

void group_label_of(struct group_label *ret_label, const struct group_labels *labels,
		    const struct process *process)
{
	char *label = ret_label->text, path[PATH_MAX + 1];

	ret_label->unit = (struct unit_name){};
	ret_label->pod = (struct pod){};
	if (label_by_rule(label, labels, process))
		return;
	switch (labels->by) {
	case GROUP_BY_UNIT:
	case GROUP_BY_POD:
		label_unit(ret_label, labels, process);
		break;
	case GROUP_BY_CGROUP:
		label_cgroup(label, grouping_process_name(BY_CGROUP, process, NULL, 0));
		break;
	case GROUP_BY_COMM:
		label_text(label, grouping_process_name(BY_COMM, process, NULL, 0));
		break;
	case GROUP_BY_EXE:
		exe_of(path, sizeof(path), labels, process);
		label_text(label, path);
		break;
	case GROUP_BY_UID:
		snprintf(label, LABEL_LEN, "%" PRIu32, process->uid);
		break;
	case GROUP_BY_PID:
		snprintf(label, LABEL_LEN, "%" PRIu32, process->tgid);
		break;
	}
}
