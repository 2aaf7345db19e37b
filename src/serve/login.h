/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks passwords against bcrypt hashes. One check takes up to seconds of CPU time, by design, so
 * a thread of its own does it: the loop, with its ticks and scrapes, never waits. The thread sees
 * copies only. Granted passwords are remembered, so that a scrape each second costs nothing; what
 * is remembered are keyed digests, no passwords.
 */
#ifndef FAULTMAP_LOGIN_H
#define FAULTMAP_LOGIN_H

#include <stdbool.h>

#include "base/loop.h"

struct login;

enum login_answer {
	LOGIN_GRANTED, /* remembered */
	LOGIN_PENDING, /* on_done will tell */
	LOGIN_BUSY,    /* too many are pending, or it ends */
};

/* On the loop, once for each check that was pending. */
typedef void (*login_done_fn)(void *who, bool granted);

/* 0 or a negative errno. */
int login_new(struct login **ret_login, struct loop *loop, login_done_fn on_done);
/* NULL is fine. Checks that are still pending are answered with false. */
void login_free(struct login *login);

/* Does the password have this hash? `is_user` false: never, but it takes as long to find out. */
enum login_answer login_check(struct login *login, const char *hash, const char *password,
			      bool is_user, void *who);

/* Is it a hash that login_check() can check within seconds: $2a$, $2b$ or $2y$, of cost 4 to 16? */
bool login_is_hash(const char *hash);

#endif
