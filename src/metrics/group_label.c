// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/group_label.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/grouping.h"

const char *const group_by_names[] = {
	[GROUP_BY_UNIT] = "unit",  [GROUP_BY_CGROUP] = "cgroup", [GROUP_BY_COMM] = "comm",
	[GROUP_BY_EXE] = "exe",    [GROUP_BY_UID] = "uid",       [GROUP_BY_PID] = "pid",
	[GROUP_BY_PID + 1] = NULL,
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

static void label_exe(char label[LABEL_LEN], const struct process *process,
		      struct public_names *public_names, uint64_t now_ns)
{
	char link[32], path[PATH_MAX + 1];
	ssize_t length = -1;

	snprintf(link, sizeof(link), "/proc/%" PRIu32 "/exe", process->tgid);
	if (!process->ended)
		length = readlink(link, path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	if (length < 0 || (public_names && !public_names_has(public_names, path, now_ns)))
		snprintf(path, sizeof(path), *process->comm ? "[%s]" : "%s",
			 grouping_process_name(BY_COMM, process, NULL, 0));
	label_text(label, path);
}

void group_label_of(struct group_label *ret_label, enum group_by by, const struct process *process,
		    struct public_names *public_names, uint64_t now_ns)
{
	char *label = ret_label->text;

	ret_label->unit = (struct unit_name){};
	switch (by) {
	case GROUP_BY_UNIT:
		unit_name_of(&ret_label->unit, process->cgroup);
		label_cgroup(label, ret_label->unit.name);
		break;
	case GROUP_BY_CGROUP:
		label_cgroup(label, grouping_process_name(BY_CGROUP, process, NULL, 0));
		break;
	case GROUP_BY_COMM:
		label_text(label, grouping_process_name(BY_COMM, process, NULL, 0));
		break;
	case GROUP_BY_EXE:
		label_exe(label, process, public_names, now_ns);
		break;
	case GROUP_BY_UID:
		snprintf(label, LABEL_LEN, "%" PRIu32, process->uid);
		break;
	case GROUP_BY_PID:
		snprintf(label, LABEL_LEN, "%" PRIu32, process->tgid);
		break;
	}
}
