// SPDX-License-Identifier: GPL-2.0-only
/* Answers of /debug/pprof/faults and /flame.html: what would be larger than 4 MiB, which Pyroscope takes, or 1 MiB has
 * half of its samples, or less. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/util.h"
#include "cmd/profile_renderer.h"
#include "range.h"

#define SECOND 1000000000ULL
#define SAMPLES 15900
#define NAME_LENGTH 400
#define LIMIT (4u << 20)

/* A fault at each of so many instructions. */
static void make_ticks(struct snapshot *snapshot, struct sink_recent *recent)
{
	struct process *process = snapshot_process(snapshot, 9, 1000, NULL);
	const char *file = snapshot_intern(snapshot, "/bin/p");

	for (unsigned int i = 1; i <= SAMPLES; i++) {
		struct row like = { .mapping_id = i, .kind = KIND_DEMAND_ZERO, .context_id = i };
		struct row *row = snapshot_row_like(snapshot, process, &like, NULL);
		struct context *context = context_new(1);

		context_set_place(context, 0,
				  (struct code_place){
					  .file = file, .offset = i, .in_file = true });
		context->has_code = context->has_stack = true;
		context_set_stack_id(context);
		row->mapping = snapshot_intern(snapshot, "[anon]");
		row_set_context(row, context);
		context_drop(context);
		row->now.minor = 1;
	}
	snapshot_seal(snapshot, (struct timespec){ 1, 0 }, SECOND);
	snapshot->tick++;
	assert_int_equal(sink_recent_tick(recent, snapshot, NULL), 0);
}

/* Function names of so many letters; `context`: the number. */
static int name_places(void *context, struct sink_profile *profile)
{
	const int *length = context;
	autofree struct profile_place **places = NULL;
	size_t count;

	assert_int_equal(sink_profile_places(profile, &places, &count), 0);
	for (size_t i = 0; i < count; i++) {
		char name[NAME_LENGTH + 1];

		snprintf(name, sizeof(name), "step_%0*llx", *length - 5,
			 (unsigned long long)places[i]->offset);
		places[i]->function = strdup(name);
	}
	return 0;
}

static void quit(void *context)
{
	loop_quit(context);
}

/* How many functions are in it, gzipped or not; its size goes to *ret_size. */
static size_t count_functions(const char *bytes, size_t size, size_t *ret_size)
{
	static char plain[2 * LIMIT];
	int fd = memfd_create("profile", MFD_CLOEXEC), length;
	size_t count = 0;
	gzFile file;

	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	file = gzdopen(fd, "rb");
	length = gzread(file, plain, sizeof(plain));
	assert_true(length > 0);
	gzclose(file);
	*ret_size = (size_t)length;
	for (const char *at = plain; (at = memmem(at, plain + length - at, "step_", 5)); at += 5)
		count++;
	return count;
}

static size_t render(enum profile_format format, int name_length, size_t *ret_size)
{
	struct snapshot *snapshot = snapshot_new();
	struct sink_recent *recent = sink_recent_new();
	struct profile_renderer *renderer;
	struct loop *loop;
	char *bytes;
	size_t size, count;

	make_ticks(snapshot, recent);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(profile_renderer_new(&renderer, loop, name_places, &name_length, quit,
					      loop),
			 0);
	assert_int_equal(profile_renderer_get(renderer, recent, format, 10, &bytes, &size),
			 -EINPROGRESS);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(profile_renderer_get(renderer, recent, format, 10, &bytes, &size), 0);
	count = count_functions(bytes, size, ret_size);
	free(bytes);
	profile_renderer_free(renderer);
	loop_free(loop);
	sink_recent_free(recent);
	snapshot_free(snapshot);
	return count;
}

static void short_names_fit(void **state)
{
	size_t size;

	(void)state;
	assert_int_equal(render(PROFILE_PPROF, 20, &size), SAMPLES);
	assert_in_range(size, LIMIT / 8, LIMIT);
}

static void long_names_are_those_of_half_the_samples(void **state)
{
	size_t size, count = render(PROFILE_PPROF, NAME_LENGTH, &size);

	(void)state;
	assert_in_range(count, 7900, 8000); /* the rest of each kind has a sample, too */
	assert_in_range(size, LIMIT / 2, LIMIT);
	assert_true(size / count * SAMPLES > LIMIT);
}

static void so_it_is_with_the_flame_graph(void **state)
{
	size_t size, count = render(PROFILE_FLAME, NAME_LENGTH, &size);

	(void)state;
	assert_in_range(count, 1900, 2000);
	assert_in_range(size, LIMIT / 8, LIMIT / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_names_fit),
		cmocka_unit_test(long_names_are_those_of_half_the_samples),
		cmocka_unit_test(so_it_is_with_the_flame_graph),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
