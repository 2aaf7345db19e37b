// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/daemon_profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "sink/profile_output.h"
#include "sink/recent_profile.h"
#include "symbol/namer.h"

/* What Pyroscope takes (pkg/validation/limits.go): samples, and bytes before they are gzipped. */
#define SAMPLES_MAX 16000
#define BYTES_MAX (4u << 20)

struct daemon_profile {
	struct sink_recent *recent; /* the sinks' */
	struct namer *namer;        /* NULL: offsets are shown */
	struct loop *loop;
};

int daemon_profile_new(struct daemon_profile **ret_profile, const struct option_list *disabled,
		       struct sinks *sinks, struct error *error)
{
	struct daemon_profile *profile = calloc(1, sizeof(*profile));
	int result;

	if (profile)
		profile->recent = sink_recent_new();
	if (!profile || !profile->recent) {
		free(profile);
		return error_set(error, ENOMEM, "starting: out of memory");
	}
	result = namer_new(&profile->namer, unwinding_confine, disabled);
	if (result)
		log_warning(
			"starting the process that finds the names of code: %s; continuing with "
			"offsets",
			result == -ENOTSUP ? "built without (WITHOUT=symbol)" : strerror(-result));
	sinks_add(sinks, &sink_recent_ops, profile->recent);
	*ret_profile = profile;
	return 0;
}

static int take_names(void *context, uint32_t events)
{
	struct daemon_profile *profile = context;

	if (events & (EPOLLHUP | EPOLLERR)) /* nobody is there any more */
		loop_remove_fd(profile->loop, namer_fd(profile->namer));
	else
		namer_take(profile->namer);
	return 0;
}

int daemon_profile_watch(struct daemon_profile *profile, struct loop *loop)
{
	profile->loop = loop;
	return profile->namer ?
		       loop_add_fd(loop, namer_fd(profile->namer), EPOLLIN, take_names, profile) :
		       0;
}

void daemon_profile_free(struct daemon_profile *profile)
{
	if (!profile)
		return;
	namer_free(profile->namer);
	free(profile);
}

void daemon_profile_tick(struct daemon_profile *profile)
{
	struct sink_profile *last = sink_recent_last(profile->recent);
	autofree struct profile_place **places = NULL;
	size_t count = 0;

	if (!profile->namer || !last || sink_profile_places(last, &places, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (places[i]->in_file)
			namer_want(profile->namer, places[i]->file, (uint32_t)places[i]->seen_in,
				   places[i]->offset);
}

/* 0 or -ENOMEM. */
static int name_places(const struct daemon_profile *profile, struct sink_profile *whole)
{
	autofree struct profile_place **places = NULL;
	size_t count;
	int result = sink_profile_places(whole, &places, &count);

	for (size_t i = 0; i < count && !result && profile->namer; i++) {
		struct code_name name = namer_find(profile->namer, places[i]->file,
						   places[i]->offset);

		places[i]->function = name.function ? strdup(name.function) : NULL;
		places[i]->source = name.source ? strdup(name.source) : NULL;
		places[i]->line = name.line;
	}
	return result;
}

static int write_profile(struct sink_profile *whole, char **ret_bytes, size_t *ret_size)
{
	FILE *memory = open_memstream(ret_bytes, ret_size);
	int result = memory ? profile_pprof_write(whole, WEIGHT_FAULTS,
						  (uint64_t)sysconf(_SC_PAGESIZE), BYTES_MAX,
						  memory) :
			      -ENOMEM;

	if (memory && fclose(memory) != 0 && !result)
		result = -ENOMEM;
	if (memory && result) {
		free(*ret_bytes);
		*ret_bytes = NULL;
	}
	return result;
}

/* With half as many samples until it is small enough. */
int daemon_profile_render(struct daemon_profile *profile, unsigned int seconds, char **ret_bytes,
			  size_t *ret_size)
{
	int result = -E2BIG;

	for (size_t max = SAMPLES_MAX; max && result == -E2BIG; max /= 2) {
		struct sink_profile *whole = sink_recent_profile(profile->recent, seconds, max);

		result = whole ? name_places(profile, whole) : -ENOMEM;
		if (!result)
			result = write_profile(whole, ret_bytes, ret_size);
		sink_profile_free(whole);
	}
	return result;
}
