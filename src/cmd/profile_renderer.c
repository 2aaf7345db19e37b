// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/profile_renderer.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/util.h"
#include "sink/profile_output.h"

/* What Pyroscope takes (pkg/validation/limits.go): samples, and bytes before they are gzipped. */
#define PPROF_SAMPLES_MAX 16000
#define PPROF_BYTES_MAX (4u << 20)
/* More than a graph can show; the loop gzips the page. */
#define FLAME_SAMPLES_MAX 4000
#define FLAME_BYTES_MAX (1u << 20)
/* Profiles in the making at once: two formats, and different numbers of seconds. */
#define JOBS_MAX 6
#define STACK_SIZE (512 * 1024)

enum job_state { JOB_NONE, JOB_WAITS, JOB_RUNS, JOB_MADE, JOB_DONE };

struct job {
	enum job_state state; /* in JOB_WAITS and JOB_RUNS the thread owns it */
	enum profile_format format;
	unsigned int seconds;
	uint64_t tick;
	struct sink_recent_part *part;
	int result;
	char *bytes;
	size_t size;
};

struct profile_renderer {
	struct loop *loop;
	profile_name_fn name;
	void *name_context;
	profile_again_fn again;
	void *again_context;
	uint64_t tick;
	bool is_handing_out; /* results go to the clients that waited, even if there was a tick since */
	int event_fd;        /* the thread tells the loop that a profile is ready */
	pthread_t thread;
	bool has_thread;
	/* used by both threads, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct job jobs[JOBS_MAX];
	bool is_ending;
};

/* The thread. ---------------------------------------------------------------------------------- */

static int print(struct sink_profile *profile, enum profile_format format, FILE *stream)
{
	if (format == PROFILE_FLAME)
		return profile_flame_print(profile, WEIGHT_FAULTS, stream);
	return profile_pprof_write(profile, WEIGHT_FAULTS, (uint64_t)sysconf(_SC_PAGESIZE),
				   PPROF_BYTES_MAX, stream);
}

static int render_once(const struct profile_renderer *renderer, struct job *job, size_t samples_max)
{
	struct sink_profile *profile = sink_recent_part_profile(job->part, samples_max);
	FILE *memory = profile ? open_memstream(&job->bytes, &job->size) : NULL;
	int result = memory ? renderer->name(renderer->name_context, profile) : -ENOMEM;

	if (!result)
		result = print(profile, job->format, memory);
	if (memory && fclose(memory) != 0 && !result)
		result = -ENOMEM;
	if (!result && job->format == PROFILE_FLAME && job->size > FLAME_BYTES_MAX)
		result = -E2BIG;
	if (result) {
		free(job->bytes);
		job->bytes = NULL;
	}
	sink_profile_free(profile);
	return result;
}

static bool is_ending(struct profile_renderer *renderer)
{
	bool ending;

	pthread_mutex_lock(&renderer->lock);
	ending = renderer->is_ending;
	pthread_mutex_unlock(&renderer->lock);
	return ending;
}

/* Halves the number of samples until it is small enough, or no client waits any more. */
static void render(struct profile_renderer *renderer, struct job *job)
{
	size_t max = job->format == PROFILE_FLAME ? FLAME_SAMPLES_MAX : PPROF_SAMPLES_MAX;

	for (job->result = -E2BIG; max && job->result == -E2BIG && !is_ending(renderer); max /= 2)
		job->result = render_once(renderer, job, max);
}

static struct job *find_waiting(struct profile_renderer *renderer)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (renderer->jobs[i].state == JOB_WAITS)
			return &renderer->jobs[i];
	return NULL;
}

/* NULL at the end. */
static struct job *next_job(struct profile_renderer *renderer)
{
	struct job *job = NULL;

	pthread_mutex_lock(&renderer->lock);
	while (!renderer->is_ending && !(job = find_waiting(renderer)))
		pthread_cond_wait(&renderer->wanted, &renderer->lock);
	if (renderer->is_ending)
		job = NULL;
	if (job)
		job->state = JOB_RUNS;
	pthread_mutex_unlock(&renderer->lock);
	return job;
}

static void *render_all(void *context)
{
	struct profile_renderer *renderer = context;
	uint64_t one = 1;
	struct job *job;

	while ((job = next_job(renderer))) {
		render(renderer, job);
		pthread_mutex_lock(&renderer->lock);
		job->state = JOB_MADE;
		pthread_mutex_unlock(&renderer->lock);
		(void)!write(renderer->event_fd, &one, sizeof(one));
	}
	return NULL;
}

/* The loop. ------------------------------------------------------------------------------------ */

static void job_clear(struct job *job)
{
	sink_recent_part_free(job->part);
	free(job->bytes);
	*job = (struct job){ .state = JOB_NONE };
}

static int handle_made(void *context, uint32_t events)
{
	struct profile_renderer *renderer = context;
	uint64_t count;

	(void)events;
	(void)!read(renderer->event_fd, &count, sizeof(count));
	pthread_mutex_lock(&renderer->lock);
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (renderer->jobs[i].state == JOB_MADE) {
			renderer->jobs[i].state = JOB_DONE;
			sink_recent_part_free(TAKE_PTR(renderer->jobs[i].part));
		}
	pthread_mutex_unlock(&renderer->lock);
	renderer->is_handing_out = true;
	renderer->again(renderer->again_context);
	renderer->is_handing_out = false;
	return 0;
}

void profile_renderer_tick(struct profile_renderer *renderer)
{
	renderer->tick++;
	pthread_mutex_lock(&renderer->lock);
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (renderer->jobs[i].state == JOB_DONE)
			job_clear(&renderer->jobs[i]);
	pthread_mutex_unlock(&renderer->lock);
}

static int copy_of(const struct job *job, char **ret_bytes, size_t *ret_size)
{
	char *bytes = job->result ? NULL : malloc(job->size);

	if (!bytes)
		return job->result ?: -ENOMEM;
	memcpy(bytes, job->bytes, job->size);
	*ret_bytes = bytes;
	*ret_size = job->size;
	return 0;
}

/* Under the lock. The job of this kind, also while it is being made; else a free one, or NULL. */
static struct job *find_job(struct profile_renderer *renderer, enum profile_format format,
			    unsigned int seconds)
{
	struct job *unused = NULL;

	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &renderer->jobs[i];
		bool is_done = job->state == JOB_DONE;

		if (job->state != JOB_NONE && job->format == format && job->seconds == seconds &&
		    (!is_done || job->tick == renderer->tick || renderer->is_handing_out))
			return job;
		if (job->state == JOB_NONE || (is_done && !renderer->is_handing_out))
			unused = job;
	}
	if (unused)
		job_clear(unused);
	return unused;
}

int profile_renderer_get(struct profile_renderer *renderer, const struct sink_recent *recent,
			 enum profile_format format, unsigned int seconds, char **ret_bytes,
			 size_t *ret_size)
{
	int result = -EINPROGRESS;
	struct job *job;

	pthread_mutex_lock(&renderer->lock);
	job = find_job(renderer, format, seconds);
	if (!job) {
		result = -EBUSY;
	} else if (job->state == JOB_DONE) {
		result = copy_of(job, ret_bytes, ret_size);
	} else if (job->state == JOB_NONE) {
		*job = (struct job){ .state = JOB_WAITS,
				     .format = format,
				     .seconds = seconds,
				     .tick = renderer->tick,
				     .part = sink_recent_part(recent, seconds) };
		if (job->part)
			pthread_cond_signal(&renderer->wanted);
		else
			job->state = JOB_NONE;
		result = job->part ? -EINPROGRESS : -ENOMEM;
	}
	pthread_mutex_unlock(&renderer->lock);
	return result;
}

int profile_renderer_new(struct profile_renderer **ret_renderer, struct loop *loop,
			 profile_name_fn name, void *name_context, profile_again_fn again,
			 void *again_context)
{
	struct profile_renderer *renderer = calloc(1, sizeof(*renderer));
	int result;

	if (!renderer)
		return -ENOMEM;
	*renderer = (struct profile_renderer){ .loop = loop,
					       .name = name,
					       .name_context = name_context,
					       .again = again,
					       .again_context = again_context };
	pthread_mutex_init(&renderer->lock, NULL);
	pthread_cond_init(&renderer->wanted, NULL);
	renderer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = renderer->event_fd < 0 ?
			 -errno :
			 loop_add_fd(loop, renderer->event_fd, EPOLLIN, handle_made, renderer);
	if (!result)
		result = thread_start(&renderer->thread, STACK_SIZE, render_all, renderer);
	renderer->has_thread = !result;
	if (result < 0)
		profile_renderer_free(renderer);
	else
		*ret_renderer = renderer;
	return result;
}

void profile_renderer_free(struct profile_renderer *renderer)
{
	if (!renderer)
		return;
	pthread_mutex_lock(&renderer->lock);
	renderer->is_ending = true;
	pthread_cond_signal(&renderer->wanted);
	pthread_mutex_unlock(&renderer->lock);
	if (renderer->has_thread)
		pthread_join(renderer->thread, NULL);
	for (size_t i = 0; i < JOBS_MAX; i++)
		job_clear(&renderer->jobs[i]);
	if (renderer->event_fd >= 0) {
		loop_remove_fd(renderer->loop, renderer->event_fd);
		close(renderer->event_fd);
	}
	pthread_cond_destroy(&renderer->wanted);
	pthread_mutex_destroy(&renderer->lock);
	free(renderer);
}
