/* SPDX-License-Identifier: GPL-2.0-only */
/* Which group a process belongs to: the word of `daemon --group-by`, and the group's label. */
#ifndef FAULTMAP_GROUP_LABEL_H
#define FAULTMAP_GROUP_LABEL_H

#include "metrics/exposition.h"
#include "metrics/group_rules.h"
#include "metrics/public_names.h"
#include "model/snapshot.h"
#include "model/unit_name.h"

enum group_by {
	GROUP_BY_UNIT,   /* see unit_name.h */
	GROUP_BY_CGROUP, /* the whole path */
	GROUP_BY_COMM,
	GROUP_BY_EXE, /* /proc/PID/exe; [COMM] where that is private or cannot be read any more */
	GROUP_BY_UID,
	GROUP_BY_PID, /* a pid that is used again goes on with its series */
};

/* The words, by enum group_by; NULL-terminated. */
extern const char *const group_by_names[];

struct group_label {
	char text[LABEL_LEN];  /* valid UTF-8 */
	struct unit_name unit; /* GROUP_BY_UNIT: the container, if it is one */
};

/* What labels are made by. */
struct group_labels {
	enum group_by by;
	struct group_rules *rules;         /* they come first; NULL: none */
	struct public_names *public_names; /* NULL: nothing is private */
	uint64_t now_ns;                   /* as for public_names_has() */
};

/* Reads /proc by GROUP_BY_EXE and where a rule looks at exe or cmdline, else only the process. */
void group_label_of(struct group_label *ret_label, const struct group_labels *labels,
		    const struct process *process);

#endif
