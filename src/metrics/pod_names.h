/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of Kubernetes pods and containers, of which cgroups have only UIDs and ids. They are in the
 * kubelet's directories of logs: pods/NAMESPACE_POD_UID and containers/POD_NAMESPACE_CONTAINER-ID.log
 * below /var/log. No socket is needed. Where there is no pods/, the environment of a process may have
 * them, if it may be read: POD_NAMESPACE, POD_NAME and CONTAINER_NAME, which people set by the
 * downward API, and HOSTNAME, which is the pod's name.
 */
#ifndef FAULTMAP_POD_NAMES_H
#define FAULTMAP_POD_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/unit_name.h"

/* The kubelet's default. */
#define POD_LOGS_DEFAULT "/var/log"
/* A node has 110 pods by default, and may have some hundreds. */
#define PODS_MAX 1024
#define POD_CONTAINERS_MAX 4096

/* Each is "" while it is not known; else lower-case letters, digits, - and . only. */
struct pod {
	char space[64]; /* the namespace */
	char name[254];
	char container[64];
};

/* Whether the name is unique: two namespaces may each have a pod db-0. */
static inline bool pod_has_name(const struct pod *pod)
{
	return *pod->space && *pod->name;
}

struct pod_names;

/* logs: the directory with pods/ and containers/, borrowed. NULL: no memory. */
struct pod_names *pod_names_new(const char *logs);
/* NULL is fine. */
void pod_names_free(struct pod_names *names);
/* Whether there is a directory of the kubelet's below `logs`. */
bool pod_names_have_logs(const char *logs);
/* Whether the kubelet's directories can be listed: then environments are not read. */
bool pod_names_are_listed(const struct pod_names *names);
/*
 * Fills in the names of the unit's pod and container; those that are not known are left unchanged.
 * The directories are listed again when something is not in the last list, at most each five seconds
 * of now_ns, a clock that only goes forward.
 */
void pod_names_find(struct pod_names *names, const struct unit_name *unit, uint64_t now_ns,
		    struct pod *pod);
/* The same from the environment of the process, if it may be read. */
void pod_names_ask(uint32_t tgid, struct pod *pod);

#endif
