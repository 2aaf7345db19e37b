/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where to listen: ADDR:PORT, [IPv6]:PORT, :PORT (every address), unix:PATH, or fd:// (what the
 * service manager passed), and the sockets for it.
 */
#ifndef FAULTMAP_LISTEN_H
#define FAULTMAP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/error.h"

#define LISTEN_TEXT_LEN 128 /* "unix:" and the 108 bytes of a socket's path */
/* Nobody needs more, and each takes a place in the loop. */
#define LISTEN_MAX 16

struct listen_address {
	struct sockaddr_storage address; /* AF_UNSPEC: fd:// */
	socklen_t length;
	char text[LISTEN_TEXT_LEN]; /* as it was given, for messages */
};

/* A bound, listening, non-blocking socket. */
struct listener {
	int fd;
	bool is_remote; /* other machines can reach it */
	bool is_unix;   /* the mode of its file says who can */
	bool is_file;   /* unix:PATH, ours to unlink: while the path is still this file */
	dev_t device;
	ino_t inode;
};

struct listeners {
	struct listener all[LISTEN_MAX];
	size_t count;
};

/* Numeric addresses and `localhost` only: a service that waits for DNS at boot does not come up.
 * 0, or -EINVAL with the error saying what is accepted. */
int listen_parse(const char *text, struct listen_address *ret_address, struct error *error);

/* Adds the address's socket, or with fd:// all that were passed. A socket file that nobody listens
 * on any more is replaced; a new one has mode 0660. 0 or a negative errno with the error set. */
int listen_add(struct listeners *listeners, const struct listen_address *address,
	       struct error *error);
/* Gives the sockets' files, for listen_close(), to a user that the process is about to become. */
void listen_give(const struct listeners *listeners, uid_t owner);
/* Whether listen_close() may unlink them. */
bool listen_may_unlink(const struct listeners *listeners);
/* Closes the sockets and unlinks their files. */
void listen_close(struct listeners *listeners);

/* The address that the socket really has, with the port the kernel chose for port 0. */
void listen_describe(int fd, char text[LISTEN_TEXT_LEN]);

#endif
