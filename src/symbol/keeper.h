/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker process that reads untrusted files: if one makes it crash, its keeper starts it again, a
 * process that does nothing else. Both end with the process that they work for.
 */
#ifndef FAULTMAP_KEEPER_H
#define FAULTMAP_KEEPER_H

#include <sys/types.h>

struct keeper {
	pid_t pid;  /* 0: none */
	int socket; /* to the worker: SOCK_SEQPACKET */
};

/* Who works: never returns. It ends with status 0 when the socket has ended, with another to be
 * made again. */
typedef void (*keeper_work_fn)(void *context, int socket);

/* What they give up before they begin; both keep what is open. */
struct keeper_rights {
	/* In the keeper, for both: a negative errno ends it. NULL: nothing. */
	int (*drop)(const void *context);
	/* In each worker. NULL: nothing. */
	void (*filter)(const void *context);
	const void *context;
};

/* The worker has the memory of now. `rights` is not needed any more when this returns; NULL: they
 * give up nothing. 0 or a negative errno. */
int keeper_start(struct keeper *keeper, keeper_work_fn work, void *context,
		 const struct keeper_rights *rights);
/* Ends both. Once more is fine. */
void keeper_end(struct keeper *keeper);

/* Sends `size` bytes, and the descriptor unless it is -1. Never waits: 0 or a negative errno. */
int keeper_send(int socket, const void *message, size_t size, int fd);
/* Receives as many, and the descriptor if there is one (else -1). 1, 0: none now, or -EPIPE: nobody
 * is there any more. Never waits. */
int keeper_receive(int socket, void *message, size_t size, int *ret_fd);
/* Limits of a worker that reads files, of this many seconds of CPU time. */
void keeper_limit_worker(unsigned int seconds);

#endif
