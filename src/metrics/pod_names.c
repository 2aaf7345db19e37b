// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/pod_names.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define LIST_AGAIN_NS 5000000000ULL
/* Of an environment: the rest is ignored. */
#define ENVIRONMENT_MAX 32768

struct listed_pod {
	char uid[POD_UID_LEN];
	char space[64];
	char name[254];
};

struct listed_container {
	char id[CONTAINER_ID_LEN];
	char name[64];
};

struct pod_names {
	const char *logs;
	struct listed_pod *pods; /* PODS_MAX, once there is one */
	struct listed_container *containers;
	size_t n_pods, n_containers;
	bool is_listed;
	bool has_tried;
	uint64_t listed_ns;
};

struct pod_names *pod_names_new(const char *logs)
{
	struct pod_names *names = calloc(1, sizeof(*names));

	if (names)
		names->logs = logs;
	return names;
}

void pod_names_free(struct pod_names *names)
{
	if (!names)
		return;
	free(names->pods);
	free(names->containers);
	free(names);
}

bool pod_names_have_logs(const char *logs)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/pods", logs);
	return !access(path, R_OK | X_OK);
}

bool pod_names_are_listed(const struct pod_names *names)
{
	return names->is_listed;
}

/* A name as Kubernetes takes it (DNS subdomain): nothing else goes into a label. */
static bool copy_name(char *buffer, size_t size, const char *text, size_t length)
{
	if (!length || length >= size)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", text[i]))
			return false;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	return true;
}

/* The kubelet's directories. --------------------------------------------------------------------- */

/* NAMESPACE_POD_UID: none of them has a _. */
static bool read_pod(struct listed_pod *pod, const char *entry)
{
	const char *name = strchr(entry, '_'), *uid = strrchr(entry, '_');

	return name && uid > name &&
	       copy_name(pod->space, sizeof(pod->space), entry, (size_t)(name - entry)) &&
	       copy_name(pod->name, sizeof(pod->name), name + 1, (size_t)(uid - name - 1)) &&
	       copy_name(pod->uid, sizeof(pod->uid), uid + 1, strlen(uid + 1));
}

/* POD_NAMESPACE_CONTAINER-ID.log: an id has 64 digits. */
static bool read_container(struct listed_container *container, const char *entry)
{
	const char *name = strrchr(entry, '_'), *end = strrchr(entry, '.');
	const size_t digits = CONTAINER_ID_LEN - 1;
	const char *id;

	if (!name || !end || strcmp(end, ".log") != 0 || (size_t)(end - name) < digits + 3)
		return false;
	id = end - digits;
	return id[-1] == '-' &&
	       copy_name(container->name, sizeof(container->name), name + 1,
			 (size_t)(id - 1 - name - 1)) &&
	       copy_name(container->id, sizeof(container->id), id, digits);
}

static DIR *open_below(const struct pod_names *names, const char *what)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", names->logs, what);
	return opendir(path);
}

static void list_pods(struct pod_names *names)
{
	DIR *directory = open_below(names, "pods");
	const struct dirent *entry;

	names->n_pods = 0;
	names->is_listed = directory;
	if (directory && !names->pods)
		names->pods = calloc(PODS_MAX, sizeof(*names->pods));
	while (directory && names->pods && names->n_pods < PODS_MAX && (entry = readdir(directory)))
		names->n_pods += read_pod(&names->pods[names->n_pods], entry->d_name);
	if (directory)
		closedir(directory);
}

static void list_containers(struct pod_names *names)
{
	DIR *directory = open_below(names, "containers");
	const struct dirent *entry;

	names->n_containers = 0;
	if (directory && !names->containers)
		names->containers = calloc(POD_CONTAINERS_MAX, sizeof(*names->containers));
	while (directory && names->containers && names->n_containers < POD_CONTAINERS_MAX &&
	       (entry = readdir(directory)))
		names->n_containers += read_container(&names->containers[names->n_containers],
						      entry->d_name);
	if (directory)
		closedir(directory);
}

/* Whether all of the unit's names are known now. */
static bool look_up(const struct pod_names *names, const struct unit_name *unit, struct pod *pod)
{
	bool has_pod = !unit->pod_uid[0], has_container = !unit->container_id[0];

	for (size_t i = 0; !has_pod && i < names->n_pods; i++) {
		if (strcmp(names->pods[i].uid, unit->pod_uid) != 0)
			continue;
		memcpy(pod->space, names->pods[i].space, sizeof(pod->space));
		memcpy(pod->name, names->pods[i].name, sizeof(pod->name));
		has_pod = true;
	}
	for (size_t i = 0; !has_container && i < names->n_containers; i++) {
		if (strcmp(names->containers[i].id, unit->container_id) != 0)
			continue;
		memcpy(pod->container, names->containers[i].name, sizeof(pod->container));
		has_container = true;
	}
	return has_pod && has_container;
}

void pod_names_find(struct pod_names *names, const struct unit_name *unit, uint64_t now_ns,
		    struct pod *pod)
{
	if (!unit->pod_uid[0] || look_up(names, unit, pod))
		return;
	if (names->has_tried && now_ns - names->listed_ns < LIST_AGAIN_NS)
		return;
	names->has_tried = true;
	names->listed_ns = now_ns;
	list_pods(names);
	list_containers(names);
	look_up(names, unit, pod);
}

/* A process's environment. --------------------------------------------------------------------- */

static void take(char *buffer, size_t size, const char *variable, const char *prefix)
{
	size_t length = strlen(prefix);

	if (!*buffer && !strncmp(variable, prefix, length))
		copy_name(buffer, size, variable + length, strlen(variable + length));
}

void pod_names_ask(uint32_t tgid, struct pod *pod)
{
	static char text[ENVIRONMENT_MAX + 1];
	char path[32];
	autoclose int fd = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/environ", tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? 0 : read(fd, text, ENVIRONMENT_MAX);
	if (length <= 0)
		return;
	text[length] = '\0';
	for (const char *next = text; next < text + length; next += strlen(next) + 1) {
		take(pod->space, sizeof(pod->space), next, "POD_NAMESPACE=");
		take(pod->name, sizeof(pod->name), next, "POD_NAME=");
		take(pod->container, sizeof(pod->container), next, "CONTAINER_NAME=");
	}
	for (const char *next = text; next < text + length; next += strlen(next) + 1)
		take(pod->name, sizeof(pod->name), next, "HOSTNAME=");
	explicit_bzero(text, (size_t)length); /* other people's secrets */
}
