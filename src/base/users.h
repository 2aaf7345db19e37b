/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of users, each looked up once: the answer may come from a directory server. */
#ifndef FAULTMAP_USERS_H
#define FAULTMAP_USERS_H

#include <stddef.h>
#include <stdint.h>

/* Users whose names are kept: beyond (a host with one uid per container) the number is shown. */
#define MAX_USERS 256
#define USER_LEN 32

/* All zero: empty. */
struct users {
	struct user {
		uint32_t uid;
		char name[USER_LEN];
	} list[MAX_USERS];
	size_t count;
};

/* The user's name; the number where it has none, or one that is longer. Copied to `name`, which it
 * returns. */
const char *users_name(struct users *users, uint32_t uid, char name[USER_LEN]);
/* The uid of a name, or of a number; -1: there is none. */
int64_t users_find(const char *name);

#endif
