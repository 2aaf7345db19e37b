// SPDX-License-Identifier: GPL-2.0-only
#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *), void *context)
{
	pthread_attr_t attributes;
	sigset_t all, old;
	int result = pthread_attr_init(&attributes);

	if (result)
		return -result;
	pthread_attr_setstacksize(&attributes, stack_bytes);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	result = pthread_create(ret_thread, &attributes, run, context);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	return -result;
}
