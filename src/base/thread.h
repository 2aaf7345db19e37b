/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts a thread beside the event loop. */
#ifndef FAULTMAP_THREAD_H
#define FAULTMAP_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* The thread takes no signal: the loop's signalfd reads them. stack_bytes: the size of its stack; it
 * counts for the process's memory when it is used. 0 or a negative errno. The caller joins it. */
int thread_start(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *), void *context);

#endif
