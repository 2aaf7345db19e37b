/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The systemd unit or the container that a cgroup path names. Knows the paths that systemd, docker,
 * containerd, CRI-O, podman and the kubelet make, with the cgroupfs and the systemd driver. Works
 * on the path alone: asks nobody.
 */
#ifndef FAULTMAP_UNIT_NAME_H
#define FAULTMAP_UNIT_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* A unit's name has at most 255 bytes; a user manager's unit has two of them. */
#define UNIT_NAME_LEN 520
#define CONTAINER_ID_LEN 65 /* 64 hex digits */
#define POD_UID_LEN 37

struct unit_name {
	/*
	 * "cron.service", as systemctl writes it, \x2d and all; "user@1000.service/app.service", of
	 * a user's own manager; "docker:0123456789ab", RUNTIME:ID with the first 12 digits, as the
	 * runtimes' own tools show it; the path itself where it names neither; "unknown" for "".
	 */
	char name[UNIT_NAME_LEN];
	/* Of a container: "docker", "containerd", "cri-o", "podman", "lxc", or "container" where
	 * the path does not say which. Else NULL. Static. */
	const char *runtime;
	char container_id
		[CONTAINER_ID_LEN]; /* all of its digits; "" when it is none, or has a name */
	char pod_uid[POD_UID_LEN];  /* of Kubernetes, with dashes; "" when it is in no pod */
};

/* cgroup: a cgroup v2 path, as in struct process. A name that is too long is cut. */
void unit_name_of(struct unit_name *ret_name, const char *cgroup);

/* True when the pattern (base/glob.h) matches the unit's name, with or without ".service", or all
 * digits of its container's id. */
bool unit_name_matches(const struct unit_name *unit, const char *pattern);

#endif
