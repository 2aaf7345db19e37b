// SPDX-License-Identifier: GPL-2.0-only
#include "base/users.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_LEN 4096

static void look_up(uint32_t uid, char name[USER_LEN])
{
	struct passwd entry, *found = NULL;
	char buffer[ENTRY_LEN]; /* an entry that is longer shows as the number */

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found &&
	    strlen(entry.pw_name) < USER_LEN)
		strcpy(name, entry.pw_name);
	else
		snprintf(name, USER_LEN, "%" PRIu32, uid);
}

const char *users_name(struct users *users, uint32_t uid, char name[USER_LEN])
{
	struct user *user;

	for (size_t i = 0; i < users->count; i++)
		if (users->list[i].uid == uid)
			return strcpy(name, users->list[i].name);
	if (users->count == MAX_USERS) {
		snprintf(name, USER_LEN, "%" PRIu32, uid);
		return name;
	}
	user = &users->list[users->count++];
	user->uid = uid;
	look_up(uid, user->name);
	return strcpy(name, user->name);
}

int64_t users_find(const char *name)
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
