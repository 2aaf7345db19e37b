/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of users, each asked for once. */
#ifndef FAULTMAP_USER_NAMES_H
#define FAULTMAP_USER_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define USER_NAMES_MAX 256
#define USER_NAME_LEN 32

/* All zero: empty. Beyond the maximum (a host with one uid per container) the number is shown. */
struct user_names {
	struct {
		uint32_t uid;
		char name[USER_NAME_LEN];
	} known[USER_NAMES_MAX];
	size_t count;
	char number[USER_NAME_LEN];
};

/* Valid until the next call. */
const char *user_names_get(struct user_names *users, uint32_t uid);
/* The uid of a name, or of a number; -1: there is none. */
int64_t user_names_find(const char *name);

#endif
