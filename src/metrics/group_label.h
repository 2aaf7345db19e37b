/* SPDX-License-Identifier: GPL-2.0-only */
/* Which group a process belongs to: the word of `daemon --group-by`, and the group's label. */
#ifndef FAULTMAP_GROUP_LABEL_H
#define FAULTMAP_GROUP_LABEL_H

#include "metrics/exposition.h"
#include "metrics/group_rules.h"
#include "metrics/pod_names.h"
#include "metrics/public_names.h"
#include "model/snapshot.h"
#include "model/unit_name.h"

enum group_by {
	GROUP_BY_UNIT,   /* see unit_name.h */
	GROUP_BY_POD,    /* NAMESPACE/POD, or pod:UID; what is in no pod as by unit */
	GROUP_BY_CGROUP, /* the whole path */
	GROUP_BY_COMM,
	GROUP_BY_EXE, /* /proc/PID/exe; [COMM] where that is private or not known */
	GROUP_BY_UID,
	GROUP_BY_PID, /* a reused pid continues its series */
};

/* The words, by enum group_by; NULL-terminated. */
extern const char *const group_by_names[];

/* Begins the label of a pod of which only the UID is known. */
#define POD_WITHOUT_NAME "pod:"

struct group_label {
	char text[LABEL_LEN]; /* valid UTF-8 */
	/* GROUP_BY_UNIT: the container, if it is one. GROUP_BY_POD: the pod, without a container. */
	struct unit_name unit;
	struct pod pod; /* their names, as far as known */
};

/* How labels are made. */
struct group_labels {
	enum group_by by;
	struct group_rules *rules; /* they come first; NULL: none */
	struct pod_names *pod_names;
	struct public_names *public_names; /* NULL: nothing is private */
	uint64_t now_ns;                   /* as for public_names_has() */
};

/* Reads /proc by GROUP_BY_EXE and where a rule looks at exe or cmdline, and for names of pods; else
 * only the process. */
void group_label_of(struct group_label *ret_label, const struct group_labels *labels,
		    const struct process *process);

#endif
