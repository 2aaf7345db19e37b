// SPDX-License-Identifier: GPL-2.0-only
#include "model/unit_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/glob.h"
#include "base/util.h"

#define ID_DIGITS 64
#define ID_DIGITS_SHOWN 12

/* One component of the path. */
struct part {
	const char *text;
	size_t length;
};

static bool ends_with(struct part part, const char *suffix)
{
	size_t length = strlen(suffix);

	return part.length > length && !memcmp(part.text + part.length - length, suffix, length);
}

static bool starts_with(struct part part, const char *prefix)
{
	size_t length = strlen(prefix);

	return part.length > length && !memcmp(part.text, prefix, length);
}

static bool is_hex(struct part part, size_t length)
{
	if (part.length != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!strchr("0123456789abcdef", part.text[i]))
			return false;
	return true;
}

/* The next component at *path, which moves behind it; false at the end. */
static bool next_part(const char **path, struct part *ret_part)
{
	while (**path == '/')
		(*path)++;
	if (!**path)
		return false;
	ret_part->text = *path;
	ret_part->length = strcspn(*path, "/");
	*path += ret_part->length;
	/* systemd puts a _ before a name that the kernel might take for a file of its own
	 * (systemd.resource-control(5), cg_escape()). */
	if (ret_part->length > 1 && ret_part->text[0] == '_') {
		ret_part->text++;
		ret_part->length--;
	}
	return true;
}

/* Units with processes of their own; slices are between them and the root. */
static bool is_unit(struct part part)
{
	static const char *const suffixes[] = { ".service", ".scope", ".socket", ".mount",
						".swap" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (ends_with(part, suffixes[i]))
			return true;
	return false;
}

static bool is_user_manager(struct part part)
{
	return starts_with(part, "user@") && ends_with(part, ".service");
}

/*
 * PREFIX-ID.scope (systemd driver), PREFIX-ID (cgroupfs driver of CRI-O and podman), ID alone
 * (cgroupfs driver of docker and containerd), SLICE:PREFIX:ID (containerd told to use cgroupfs by a
 * kubelet that uses systemd). *ret_prefix is empty where there is none.
 */
static bool parse_id(struct part part, struct part *ret_prefix, struct part *ret_id)
{
	struct part id = part;

	if (ends_with(id, ".scope"))
		id.length -= strlen(".scope");
	if (id.length < ID_DIGITS)
		return false;
	*ret_prefix = (struct part){ id.text, id.length - ID_DIGITS };
	id.text += ret_prefix->length;
	id.length = ID_DIGITS;
	if (!is_hex(id, ID_DIGITS))
		return false;
	if (ret_prefix->length) {
		char separator = ret_prefix->text[--ret_prefix->length];
		const char *colon = memrchr(ret_prefix->text, ':', ret_prefix->length);

		if (separator != '-' && separator != ':')
			return false;
		if (separator == ':' && colon) {
			ret_prefix->length -= (size_t)(colon + 1 - ret_prefix->text);
			ret_prefix->text = colon + 1;
		}
	}
	*ret_id = id;
	return true;
}

static const char *runtime_of(struct part prefix, struct part parent)
{
	static const struct {
		const char *prefix, *runtime;
	} prefixes[] = {
		{ "docker", "docker" }, { "cri-containerd", "containerd" },
		{ "crio", "cri-o" },    { "nerdctl", "containerd" },
		{ "libpod", "podman" }, { "containerd", "containerd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (prefix.length == strlen(prefixes[i].prefix) &&
		    !memcmp(prefix.text, prefixes[i].prefix, prefix.length))
			return prefixes[i].runtime;
	if (prefix.length) /* crio-conmon-ID.scope and the like: a container's helper is a unit */
		return NULL;
	if (parent.length == strlen("docker") && !memcmp(parent.text, "docker", parent.length))
		return "docker";
	return "container";
}

/* True if the part is a container, which then replaces what was found above it. */
static bool read_container(struct unit_name *name, struct part part, struct part parent)
{
	struct part prefix, id;
	const char *runtime;

	if (starts_with(part, "lxc.payload.")) {
		size_t skip = strlen("lxc.payload.");

		name->runtime = "lxc";
		name->container_id[0] = '\0';
		snprintf(name->name, sizeof(name->name), "lxc:%.*s", (int)(part.length - skip),
			 part.text + skip);
		return true;
	}
	if (!parse_id(part, &prefix, &id))
		return false;
	runtime = runtime_of(prefix, parent);
	if (!runtime)
		return false;
	name->runtime = runtime;
	memcpy(name->container_id, id.text, ID_DIGITS);
	name->container_id[ID_DIGITS] = '\0';
	snprintf(name->name, sizeof(name->name), "%s:%.*s", runtime, ID_DIGITS_SHOWN, id.text);
	return true;
}

/* The last `length` bytes of the part as a UID behind "pod"; false if they are none. */
static bool read_uid(struct unit_name *name, struct part part, size_t length)
{
	const char *text = part.text + part.length - length;
	char uid[POD_UID_LEN] = "";
	size_t digits = 0;

	if (part.length < length + strlen("pod") || memcmp(text - strlen("pod"), "pod", 3) != 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		uid[i] = text[i] == '_' ? '-' : text[i];
		if (!strchr("0123456789abcdef-", uid[i]))
			return false;
		digits += uid[i] != '-';
	}
	if (digits != 32)
		return false;
	memcpy(name->pod_uid, uid, sizeof(uid));
	return true;
}

/*
 * "podUID" (cgroupfs driver) or "kubepods-burstable-podUID.slice" (systemd driver, which has _ for
 * the dashes). A static pod's UID is a hash of 32 digits without dashes.
 */
static void read_pod(struct unit_name *name, struct part part)
{
	const char *slice = memmem(part.text, part.length, ".slice", strlen(".slice"));

	if (slice)
		part.length = (size_t)(slice - part.text);
	if (!read_uid(name, part, 36))
		read_uid(name, part, 32);
}

/* A systemd within a container names its own units, which are the container's business. */
static void read_unit(struct unit_name *name, struct part part, struct part *user_manager)
{
	if (name->runtime || (name->name[0] && !user_manager->length))
		return;
	if (user_manager->length)
		snprintf(name->name, sizeof(name->name), "%.*s/%.*s", (int)user_manager->length,
			 user_manager->text, (int)part.length, part.text);
	else
		snprintf(name->name, sizeof(name->name), "%.*s", (int)part.length, part.text);
	*user_manager = is_user_manager(part) && !user_manager->length ? part : (struct part){};
}

void unit_name_of(struct unit_name *ret_name, const char *cgroup)
{
	struct part part, parent = {}, slice = {}, user_manager = {};
	const char *next = cgroup;

	*ret_name = (struct unit_name){};
	while (next_part(&next, &part)) {
		/* pod-like names are left alone outside of what the kubelet makes. */
		if (strstr(cgroup, "kubepods"))
			read_pod(ret_name, part);
		if (!read_container(ret_name, part, parent)) {
			if (is_unit(part))
				read_unit(ret_name, part, &user_manager);
			else if (ends_with(part, ".slice"))
				slice = part;
		}
		parent = part;
	}
	if (ret_name->name[0])
		return;
	/* In a slice itself, whatever is below it without a unit; or no systemd here at all. */
	if (slice.length)
		snprintf(ret_name->name, sizeof(ret_name->name), "%.*s", (int)slice.length,
			 slice.text);
	else
		snprintf(ret_name->name, sizeof(ret_name->name), "%s",
			 *cgroup ? cgroup : "unknown");
}

bool unit_name_matches(const struct unit_name *unit, const char *pattern)
{
	static const char service[] = ".service";
	char name[UNIT_NAME_LEN];
	size_t length = strlen(unit->name), cut = strlen(service);

	if (glob_matches(pattern, unit->name) ||
	    (unit->container_id[0] && glob_matches(pattern, unit->container_id)))
		return true;
	if (length <= cut || strcmp(unit->name + length - cut, service))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(length - cut), unit->name);
	return glob_matches(pattern, name);
}
