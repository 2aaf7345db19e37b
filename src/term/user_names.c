// SPDX-License-Identifier: GPL-2.0-only
#include "term/user_names.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An entry that is longer shows as the number. */
#define ENTRY_LEN 4096

static void find_name(char name[USER_NAME_LEN], uint32_t uid)
{
	struct passwd entry, *found = NULL;
	char buffer[ENTRY_LEN];

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
	    strlen(entry.pw_name) < USER_NAME_LEN)
		strcpy(name, entry.pw_name);
	else
		snprintf(name, USER_NAME_LEN, "%" PRIu32, uid);
}

const char *user_names_get(struct user_names *users, uint32_t uid)
{
	for (size_t i = 0; i < users->count; i++)
		if (users->known[i].uid == uid)
			return users->known[i].name;
	if (users->count == USER_NAMES_MAX) {
		snprintf(users->number, sizeof(users->number), "%" PRIu32, uid);
		return users->number;
	}
	users->known[users->count].uid = uid;
	find_name(users->known[users->count].name, uid);
	return users->known[users->count++].name;
}

int64_t user_names_find(const char *name)
{
	struct passwd entry, *found = NULL;
	char buffer[ENTRY_LEN], *end;
	unsigned long number = strtoul(name, &end, 10);

	if (*name >= '0' && *name <= '9' && !*end)
		return number <= UINT32_MAX ? (int64_t)number : -1;
	if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		return entry.pw_uid;
	return -1;
}
