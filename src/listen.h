/* SPDX-License-Identifier: GPL-2.0-only */
/* Where to listen: ADDR:PORT, [IPv6]:PORT or :PORT (every address), and the socket for it. */
#ifndef FAULTMAP_LISTEN_H
#define FAULTMAP_LISTEN_H

#include <sys/socket.h>

#include "error.h"

#define LISTEN_TEXT_LEN 64

struct listen_address {
	struct sockaddr_storage address;
	socklen_t length;
	char text[LISTEN_TEXT_LEN]; /* as it was given, for messages */
};

/* Numeric addresses and `localhost` only: a service that waits for DNS at boot does not come up.
 * 0, or -EINVAL with the error saying what is accepted. */
int listen_parse(const char *text, struct listen_address *ret_address, struct error *error);

/* A bound, listening, non-blocking socket, the caller's. 0 or a negative errno with the error set. */
int listen_open(const struct listen_address *address, int *ret_fd, struct error *error);

/* The address that the socket really has, with the port the kernel chose for port 0. */
void listen_describe(int fd, char text[LISTEN_TEXT_LEN]);

#endif
