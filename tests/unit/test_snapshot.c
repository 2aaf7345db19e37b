// SPDX-License-Identifier: GPL-2.0-only
/* The snapshot over many ticks: what stays, what is dropped with its process, deltas, shared strings. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/snapshot.h"

static int set_up(void **state)
{
	*state = snapshot_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	snapshot_free(*state);
	return 0;
}

static struct process *add_process(struct snapshot *snapshot, uint32_t tgid, uint64_t start_ns)
{
	struct process *process = snapshot_process(snapshot, tgid, start_ns, NULL);

	assert_non_null(process);
	return process;
}

static struct row *add_row(struct snapshot *snapshot, struct process *process, uint64_t mapping_id)
{
	struct row *row = snapshot_row(snapshot, process, mapping_id, KIND_COW, ACCESS_WRITE,
				       MODE_USER, NULL);

	assert_non_null(row);
	return row;
}

static void seal(struct snapshot *snapshot)
{
	snapshot_seal(snapshot, (struct timespec){}, 0);
}

static bool has_row(const struct snapshot *snapshot, const struct row *row)
{
	for (size_t i = 0; i < snapshot->n_rows; i++)
		if (snapshot->rows[i] == row)
			return true;
	return false;
}

static void new_one_is_empty(void **state)
{
	struct snapshot *snapshot = *state;

	snapshot_begin(snapshot);
	snapshot_seal(snapshot, (struct timespec){ 5, 7 }, 1234);
	assert_int_equal(snapshot->n_processes, 0);
	assert_int_equal(snapshot->n_rows, 0);
	assert_int_equal(snapshot->ts.tv_sec, 5);
	assert_int_equal(snapshot->ts.tv_nsec, 7);
	assert_int_equal(snapshot->interval_ns, 1234);
	assert_null(snapshot_find_process(snapshot, 1, 1));
	snapshot_free(NULL);
}

static void process_is_its_pid_and_birth(void **state)
{
	struct snapshot *snapshot = *state;
	bool is_new = false;
	struct process *first = snapshot_process(snapshot, 7, 100, &is_new), *second;

	assert_true(is_new);
	assert_string_equal(first->cgroup, "");
	assert_ptr_equal(snapshot_process(snapshot, 7, 100, &is_new), first);
	assert_false(is_new);
	second = snapshot_process(snapshot, 7, 200, &is_new);
	assert_true(is_new);
	assert_ptr_not_equal(second, first);
	assert_ptr_equal(snapshot_find_process(snapshot, 7, 100), first);
	assert_ptr_equal(snapshot_find_process(snapshot, 7, 200), second);
	assert_null(snapshot_find_process(snapshot, 8, 100));
	seal(snapshot);
	assert_int_equal(snapshot->n_processes, 2);
}

static void row_is_its_mapping_kind_access_and_mode(void **state)
{
	struct snapshot *snapshot = *state;
	struct process *process = add_process(snapshot, 7, 100);
	struct row *seen[2 * 2 * 2 * 2];
	size_t n_seen = 0;
	bool is_new;

	for (uint32_t bits = 0; bits < 16; bits++) {
		seen[n_seen] = snapshot_row(snapshot, process, bits & 1, bits >> 1 & 1,
					    bits >> 2 & 1, bits >> 3 & 1, &is_new);
		assert_non_null(seen[n_seen]);
		assert_true(is_new);
		assert_ptr_equal(seen[n_seen]->process, process);
		assert_string_equal(seen[n_seen]->mapping, "");
		n_seen++;
	}
	for (uint32_t bits = 0; bits < 16; bits++) {
		assert_ptr_equal(snapshot_row(snapshot, process, bits & 1, bits >> 1 & 1,
					      bits >> 2 & 1, bits >> 3 & 1, &is_new),
				 seen[bits]);
		assert_false(is_new);
	}
	seal(snapshot);
	assert_int_equal(snapshot->n_rows, 16);
}

static void slices_of_a_mapping_are_rows_of_their_own(void **state)
{
	struct snapshot *snapshot = *state;
	struct process *process = add_process(snapshot, 7, 100);
	struct row *whole = snapshot_row(snapshot, process, 1, KIND_COW, ACCESS_WRITE, MODE_USER,
					 NULL);
	struct row *one = snapshot_slice_row(snapshot, process, 1, 1, KIND_COW, ACCESS_WRITE,
					     MODE_USER, NULL);
	struct row *two = snapshot_slice_row(snapshot, process, 1, 2, KIND_COW, ACCESS_WRITE,
					     MODE_USER, NULL);
	bool is_new = true;

	assert_ptr_not_equal(whole, one);
	assert_ptr_not_equal(one, two);
	assert_int_equal(whole->slice, 0);
	assert_int_equal(two->slice, 2);
	assert_ptr_equal(snapshot_slice_row(snapshot, process, 1, 2, KIND_COW, ACCESS_WRITE,
					    MODE_USER, &is_new),
			 two);
	assert_false(is_new);
	seal(snapshot);
	assert_int_equal(snapshot->n_rows, 3);
}

static void begin_makes_now_the_before(void **state)
{
	struct snapshot *snapshot = *state;
	struct process *process = add_process(snapshot, 7, 100);
	struct row *row = add_row(snapshot, process, 1);

	row->now = (struct fault_counts){ .minor = 10, .major = 2, .denied = 1, .pages = 12 };
	process->minor = 10;
	process->major = 2;
	process->gup = 3;
	snapshot->totals.minor = 10;
	seal(snapshot);
	assert_true(row_changed(row));
	assert_true(process_moved(process));
	assert_int_equal(row_delta(row).minor, 10); /* its first tick: all of it is new */

	snapshot_begin(snapshot);
	seal(snapshot);
	assert_false(row_changed(row));
	assert_false(process_moved(process));
	assert_int_equal(process->gup_before, 3);
	assert_int_equal(snapshot->totals_before.minor, 10);
	assert_int_equal(snapshot->totals.minor, 10);

	snapshot_begin(snapshot);
	assert_ptr_equal(add_row(snapshot, process, 1), row);
	row->now.major++;
	row->now.pages++;
	process->major++;
	seal(snapshot);
	assert_true(row_changed(row));
	assert_true(process_moved(process));
	assert_int_equal(row_delta(row).minor, 0);
	assert_int_equal(row_delta(row).major, 1);
	assert_int_equal(row_delta(row).denied, 0);
	assert_int_equal(row_delta(row).pages, 1);
	snapshot_begin(snapshot);
	assert_ptr_equal(add_row(snapshot, process, 1), row);
	row->now.denied++;
	assert_true(row_changed(row));
	assert_false(process_moved(process)); /* a denied fault is neither minor nor major */
}

static void ended_process_takes_its_rows_along(void **state)
{
	struct snapshot *snapshot = *state;
	struct process *stays = add_process(snapshot, 7, 100),
		       *ends = add_process(snapshot, 8, 100);
	struct row *kept = add_row(snapshot, stays, 1);
	bool is_new;

	add_row(snapshot, ends, 2);
	add_row(snapshot, ends, 3);
	kept->now.minor = 5;
	seal(snapshot);
	snapshot_begin(snapshot);
	ends->ended = true;
	seal(snapshot);
	assert_int_equal(snapshot->n_processes, 2); /* the last picture still shows it */
	assert_int_equal(snapshot->n_rows, 3);

	snapshot_begin(snapshot);
	seal(snapshot);
	assert_int_equal(snapshot->n_processes, 1);
	assert_int_equal(snapshot->n_rows, 1);
	assert_true(has_row(snapshot, kept));
	assert_null(snapshot_find_process(snapshot, 8, 100));
	ends = add_process(snapshot, 8, 300); /* the pid again: nothing of the old one comes back */
	assert_int_equal(snapshot_row(snapshot, ends, 2, KIND_COW, ACCESS_WRITE, MODE_USER, &is_new)
				 ->now.minor,
			 0);
	assert_true(is_new);
}

/* The arrays are up to date in the middle of a tick, before it is sealed. */
static void what_is_new_shows_at_once(void **state)
{
	struct snapshot *snapshot = *state;
	struct row *row;

	snapshot_begin(snapshot);
	row = add_row(snapshot, add_process(snapshot, 7, 100), 1);
	assert_int_equal(snapshot->n_processes, 1);
	assert_true(has_row(snapshot, row));
	add_process(snapshot, 8, 100);
	assert_int_equal(snapshot->n_processes, 2);
}

/* Rows that were asked for since begin come first, each once; a new one is among them. */
static void touched_rows_come_first(void **state)
{
	struct snapshot *snapshot = *state;
	struct process *process = add_process(snapshot, 7, 100);

	for (uint64_t id = 0; id < 10; id++)
		add_row(snapshot, process, id);
	assert_int_equal(snapshot->n_touched, 10);
	snapshot_begin(snapshot);
	assert_int_equal(snapshot->n_touched, 0);
	for (int twice = 0; twice < 2; twice++)
		for (uint64_t id = 9; id < 12; id++)
			add_row(snapshot, process, id);
	seal(snapshot);
	assert_int_equal(snapshot->n_rows, 12);
	assert_int_equal(snapshot->n_touched, 3);
	for (size_t i = 0; i < snapshot->n_rows; i++)
		assert_int_equal(snapshot->rows[i]->mapping_id >= 9, i < 3);
}

static void equal_texts_share_one_string(void **state)
{
	struct snapshot *snapshot = *state;
	char text[] = "/usr/lib/libc.so.6";
	const char *shared = snapshot_intern(snapshot, text);

	assert_ptr_not_equal(shared, text);
	assert_string_equal(shared, text);
	assert_ptr_equal(snapshot_intern(snapshot, "/usr/lib/libc.so.6"), shared);
	text[0] = 'X'; /* it is a copy */
	assert_string_equal(shared, "/usr/lib/libc.so.6");
	assert_ptr_not_equal(snapshot_intern(snapshot, text), shared);
	assert_string_equal(snapshot_intern(snapshot, ""), "");
}

/* A thousand processes per tick, each with a mapping and a cgroup of names of their own, live for
 * one tick: their strings go, those in use stay where they are. */
static void strings_of_the_dead_are_swept(void **state)
{
	struct snapshot *snapshot = *state;
	struct process *alive = add_process(snapshot, 1, 1);
	struct row *row = add_row(snapshot, alive, 1);
	const char *mapping = row->mapping = snapshot_intern(snapshot, "/kept/mapping");
	const char *cgroup = alive->cgroup = snapshot_intern(snapshot, "/kept.slice");
	size_t in_use_early = 0;

	for (uint64_t tick = 1; tick <= 100; tick++) {
		snapshot_begin(snapshot);
		for (uint64_t i = 0; i < 1000; i++) {
			uint64_t id = tick * 1000 + i;
			struct process *process = add_process(snapshot, i + 2, id);
			char text[200];

			snprintf(text, sizeof(text), "/cgroup/%0*lu", 150, id);
			process->cgroup = snapshot_intern(snapshot, text);
			snprintf(text, sizeof(text), "/mapping/%0*lu", 150, id);
			add_row(snapshot, process, id)->mapping = snapshot_intern(snapshot, text);
			process->ended = true;
		}
		seal(snapshot);
		assert_int_equal(snapshot->n_processes, 1001);
		assert_ptr_equal(snapshot_intern(snapshot, "/kept/mapping"), mapping);
		assert_ptr_equal(snapshot_intern(snapshot, "/kept.slice"), cgroup);
		if (tick == 20)
			in_use_early = mallinfo2().uordblks;
	}
	assert_string_equal(row->mapping, "/kept/mapping");
	assert_string_equal(alive->cgroup, "/kept.slice");
	/* 80 ticks of 2,000 strings are 27 MB; between two sweeps about 1 MB gathers. */
	assert_true(mallinfo2().uordblks < in_use_early + (4 << 20));
}

/* ---- a model: what each of N processes should have ---- */

#define N_MODEL 200
#define N_MAPPINGS 5

struct model {
	uint64_t start_ns; /* 0: it does not live */
	uint64_t now[N_MAPPINGS];
	uint64_t before[N_MAPPINGS];
	bool ended;
};

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

static void model_begin(struct model *model)
{
	for (size_t i = 0; i < N_MODEL; i++) {
		if (model[i].ended)
			model[i] = (struct model){};
		memcpy(model[i].before, model[i].now, sizeof(model[i].now));
	}
}

static uint64_t mapping_id(const struct model *model, size_t process, size_t mapping)
{
	return model[process].start_ns << 32 | process << 8 | mapping;
}

static void model_change(struct snapshot *snapshot, struct model *model, uint64_t *seed,
			 uint64_t now_ns)
{
	size_t i = next_random(seed) % N_MODEL, mapping = next_random(seed) % N_MAPPINGS;
	struct process *process;

	if (model[i].ended)
		return;
	if (!model[i].start_ns)
		model[i].start_ns = now_ns;
	process = add_process(snapshot, i + 1, model[i].start_ns);
	model[i].now[mapping] += 1 + next_random(seed) % 100;
	add_row(snapshot, process, mapping_id(model, i, mapping))->now.minor =
		model[i].now[mapping];
	model[i].ended = process->ended = next_random(seed) % 16 == 0;
}

static size_t count_rows_by_process(const struct snapshot *snapshot)
{
	size_t count = 0;

	for (size_t i = 0; i < snapshot->n_processes; i++)
		for (const struct row *row = snapshot->processes[i]->rows; row; row = row->next) {
			assert_ptr_equal(row->process, snapshot->processes[i]);
			assert_ptr_equal(snapshot->rows[row->index], row);
			count++;
		}
	return count;
}

static void assert_same(const struct snapshot *snapshot, const struct model *model)
{
	size_t n_processes = 0, n_rows = 0;

	for (size_t i = 0; i < N_MODEL; i++) {
		n_processes += model[i].start_ns != 0;
		for (size_t j = 0; j < N_MAPPINGS; j++)
			n_rows += model[i].now[j] != 0;
	}
	assert_int_equal(snapshot->n_processes, n_processes);
	assert_int_equal(snapshot->n_rows, n_rows);
	assert_int_equal(count_rows_by_process(snapshot), n_rows);
	for (size_t i = 0; i < snapshot->n_rows; i++) {
		const struct row *row = snapshot->rows[i];
		size_t process = row->process->tgid - 1, mapping = row->mapping_id & 0xff;

		assert_int_equal(row->mapping_id, mapping_id(model, process, mapping));
		assert_int_equal(row->now.minor, model[process].now[mapping]);
		assert_int_equal(row_delta(row).minor,
				 model[process].now[mapping] - model[process].before[mapping]);
		assert_int_equal(row_changed(row), i < snapshot->n_touched);
	}
}

static void many_ticks_match_a_model(void **state)
{
	struct snapshot *snapshot = *state;
	struct model *model = calloc(N_MODEL, sizeof(*model));
	uint64_t seed = 1;

	assert_non_null(model);
	for (uint64_t tick = 1; tick <= 300; tick++) {
		snapshot_begin(snapshot);
		model_begin(model);
		for (int change = 0; change < 150; change++)
			model_change(snapshot, model, &seed, tick);
		seal(snapshot);
		assert_same(snapshot, model);
	}
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(new_one_is_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(process_is_its_pid_and_birth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(row_is_its_mapping_kind_access_and_mode, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(slices_of_a_mapping_are_rows_of_their_own, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(begin_makes_now_the_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ended_process_takes_its_rows_along, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_new_shows_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(touched_rows_come_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(equal_texts_share_one_string, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_of_the_dead_are_swept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_ticks_match_a_model, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
