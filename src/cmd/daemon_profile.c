// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/daemon_profile.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/worker_rights.h"
#include "sink/recent_profile.h"
#include "symbol/namer.h"

struct daemon_profile {
	struct sink_recent *recent; /* owned by the sinks */
	struct namer *namer;        /* NULL: offsets are shown */
	struct loop *loop;
	struct profile_renderer *renderer; /* NULL: not started yet */
	pthread_mutex_t lock;              /* of the namer, which the renderer's thread uses, too */
};

int daemon_profile_new(struct daemon_profile **ret_profile, const struct privileges_user *user,
		       const char *debuginfod, const struct option_list *disabled,
		       struct sinks *sinks, struct error *error)
{
	struct debug_files_options debug_files = debug_files_of(debuginfod, disabled);
	struct worker_rights may = { user, disabled, SANDBOX_UNWIND };
	struct keeper_rights rights = worker_rights(&may);
	struct daemon_profile *profile = calloc(1, sizeof(*profile));
	int result;

	if (profile)
		profile->recent = sink_recent_new();
	if (!profile || !profile->recent) {
		free(profile);
		return error_set(error, ENOMEM, "starting: out of memory");
	}
	result = namer_new(&profile->namer, &rights, &debug_files);
	if (result)
		log_warning(
			"starting the process that finds the names of code: %s; continuing with "
			"offsets",
			result == -ENOTSUP ? "built without (WITHOUT=symbol)" : strerror(-result));
	pthread_mutex_init(&profile->lock, NULL);
	sinks_add(sinks, &sink_recent_ops, profile->recent);
	*ret_profile = profile;
	return 0;
}

static int take_names(void *context, uint32_t events)
{
	struct daemon_profile *profile = context;

	if (events & (EPOLLHUP | EPOLLERR)) { /* the worker has ended for good */
		loop_remove_fd(profile->loop, namer_fd(profile->namer));
	} else {
		pthread_mutex_lock(&profile->lock);
		namer_take(profile->namer);
		pthread_mutex_unlock(&profile->lock);
	}
	return 0;
}

/* On the renderer's thread. The loop waits for one name at most. 0 or -ENOMEM. */
static int name_place(struct daemon_profile *profile, struct profile_place *place)
{
	struct code_name name;
	int result = 0;

	pthread_mutex_lock(&profile->lock);
	name = namer_find(profile->namer, place->file, place->offset);
	place->function = name.function ? strdup(name.function) : NULL;
	place->source = name.source ? strdup(name.source) : NULL;
	place->line = name.line;
	if ((name.function && !place->function) || (name.source && !place->source))
		result = -ENOMEM;
	pthread_mutex_unlock(&profile->lock);
	return result;
}

static int name_places(void *context, struct sink_profile *whole)
{
	struct daemon_profile *profile = context;
	autofree struct profile_place **places = NULL;
	size_t count;
	int result = sink_profile_places(whole, &places, &count);

	for (size_t i = 0; i < count && !result && profile->namer; i++)
		if (places[i]->in_file)
			result = name_place(profile, places[i]);
	return result;
}

int daemon_profile_watch(struct daemon_profile *profile, struct loop *loop, profile_again_fn again,
			 void *context)
{
	int result = profile_renderer_new(&profile->renderer, loop, name_places, profile, again,
					  context);

	profile->loop = loop;
	if (!result && profile->namer)
		result = loop_add_fd(loop, namer_fd(profile->namer), EPOLLIN, take_names, profile);
	return result;
}

void daemon_profile_leave(struct daemon_profile *profile)
{
	if (profile)
		profile_renderer_free(TAKE_PTR(profile->renderer));
}

void daemon_profile_free(struct daemon_profile *profile)
{
	if (!profile)
		return;
	namer_free(profile->namer);
	pthread_mutex_destroy(&profile->lock);
	free(profile);
}

/* Asks for the names of code in the last tick. */
static void want_names(struct daemon_profile *profile)
{
	struct sink_profile *last = sink_recent_last(profile->recent);
	autofree struct profile_place **places = NULL;
	size_t count = 0;

	if (!profile->namer || !last || sink_profile_places(last, &places, &count))
		return;
	pthread_mutex_lock(&profile->lock);
	for (size_t i = 0; i < count; i++)
		if (places[i]->in_file)
			namer_want(profile->namer, places[i]->file, (uint32_t)places[i]->seen_in,
				   places[i]->offset);
	pthread_mutex_unlock(&profile->lock);
}

void daemon_profile_tick(struct daemon_profile *profile)
{
	if (profile->renderer)
		profile_renderer_tick(profile->renderer);
	want_names(profile);
}

int daemon_profile_get(struct daemon_profile *profile, enum profile_format format,
		       unsigned int seconds, char **ret_bytes, size_t *ret_size)
{
	return profile_renderer_get(profile->renderer, profile->recent, format, seconds, ret_bytes,
				    ret_size);
}
