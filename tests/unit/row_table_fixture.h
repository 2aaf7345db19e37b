/* SPDX-License-Identifier: GPL-2.0-only */
/* A table of rows on files in memory, with ROWS rows; the test takes indexes as programs do. */
#ifndef FAULTMAP_TEST_ROW_TABLE_FIXTURE_H
#define FAULTMAP_TEST_ROW_TABLE_FIXTURE_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collect/row_table.h"

#define LATENCIES 20

struct fixture {
	struct row_table_parts parts;
	struct free_list free_rows, free_latencies;
	uint32_t filling_told;
	struct row_table *table;
	struct row_key *keys;
	struct row_value *values;
	uint8_t *moved;
	struct latency *latencies;
	struct stall_causes *causes;
	struct index_line *row_lines;
	struct shares *shares;
};

static void *make_map(size_t size, int *ret_fd)
{
	void *memory;

	*ret_fd = memfd_create("map", MFD_CLOEXEC);
	assert_true(*ret_fd >= 0);
	assert_int_equal(ftruncate(*ret_fd, size + 8192), 0);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct row_table_parts *parts = &fixture->parts;

	*state = fixture;
	parts->rows = ROWS;
	parts->latencies = LATENCIES;
	parts->key_size = sizeof(struct row_key);
	fixture->keys = make_map((ROWS + 1) * sizeof(struct row_key), &parts->keys_fd);
	fixture->values = make_map((ROWS + 1) * sizeof(struct row_value), &parts->values_fd);
	fixture->moved = make_map((ROWS / ROWS_IN_LINE + 1) * sizeof(struct moved_line),
				  &parts->moved_fd);
	fixture->latencies = make_map((LATENCIES + 1) * sizeof(struct latency),
				      &parts->latencies_fd);
	fixture->causes = make_map((LATENCIES + 1) * sizeof(struct stall_causes),
				   &parts->causes_fd);
	fixture->shares = make_map(sizeof(struct shares), &parts->shares_fd);
	make_map(sizeof(struct forget_list), &parts->forget_fd);
	fixture->row_lines = make_map(ROW_LINES * sizeof(struct index_line), &parts->free_rows_fd);
	make_map(2 * sizeof(struct index_line), &parts->free_latencies_fd);
	parts->free_rows = &fixture->free_rows;
	parts->free_latencies = &fixture->free_latencies;
	parts->filling_told = &fixture->filling_told;
	assert_int_equal(row_table_open(&fixture->table, parts, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	row_table_close(fixture->table);
	free(fixture);
	return 0;
}

/* As index_take() in bpf/table.bpf.h. */
static uint32_t take_row(struct fixture *fixture)
{
	uint64_t taken = fixture->free_rows.taken;

	if (taken == fixture->free_rows.given)
		return 0;
	fixture->free_rows.taken++;
	return fixture->row_lines[taken / INDEXES_IN_LINE % ROW_LINES]
		.index[taken % INDEXES_IN_LINE];
}

#endif
