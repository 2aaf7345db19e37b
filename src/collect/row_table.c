// SPDX-License-Identifier: GPL-2.0-only
#include "collect/row_table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A map's array in memory. */
struct mapped {
	void *memory; /* NULL: not mapped */
	size_t size;
};

struct row_table {
	struct row_table_parts parts;
	struct mapped keys, values, moved, latencies, causes, shares, forget, row_lines,
		latency_lines;
};

static int map_array(struct mapped *mapped, int fd, size_t entries, size_t entry_size, bool write,
		     const char *what, struct error *error)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = (entries * entry_size + page - 1) / page * page;
	void *memory = mmap(NULL, size, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return error_set(error, errno, "cannot map the %s of the kernel's rows: %s", what,
				 strerror(errno));
	*mapped = (struct mapped){ memory, size };
	return 0;
}

static void unmap(struct mapped *mapped)
{
	if (mapped->memory)
		munmap(mapped->memory, mapped->size);
}

static bool has_queue(const struct row_table *table)
{
	return table->parts.free_latencies_fd < 0;
}

/* How many lines a list of this many indexes has: a power of two. */
static size_t lines_of(uint32_t count)
{
	size_t lines = 1;

	while (lines * INDEXES_IN_LINE < count)
		lines *= 2;
	return lines;
}

/* Writes the entry before it raises the count. */
static void list_give(struct free_list *list, const struct mapped *lines, uint32_t index,
		      uint32_t count)
{
	struct index_line *line = lines->memory;
	size_t mask = lines_of(count) - 1;

	line[list->given / INDEXES_IN_LINE & mask].index[list->given % INDEXES_IN_LINE] = index;
	__atomic_store_n(&list->given, list->given + 1, __ATOMIC_RELEASE);
}

static int queue_give(struct free_list *list, int fd, uint32_t index)
{
	int result = bpf_map_update_elem(fd, NULL, &index, BPF_ANY);

	if (!result)
		__atomic_fetch_add(&list->given, 1, __ATOMIC_RELAXED);
	return result;
}

static int give_row(struct row_table *table, uint32_t index)
{
	const struct row_table_parts *parts = &table->parts;

	if (has_queue(table))
		return queue_give(parts->free_rows, parts->free_rows_fd, index);
	list_give(parts->free_rows, &table->row_lines, index, parts->rows);
	return 0;
}

static int give_all(struct row_table *table, struct error *error)
{
	const struct row_table_parts *parts = &table->parts;
	int result = 0;

	for (uint32_t index = 1; !result && index <= parts->rows; index++)
		result = give_row(table, index);
	for (uint32_t index = 1; !has_queue(table) && index <= parts->latencies; index++)
		list_give(parts->free_latencies, &table->latency_lines, index, parts->latencies);
	if (result)
		return error_set(error, -result, "cannot fill the list of free rows: %s",
				 strerror(-result));
	return 0;
}

static int map_all(struct row_table *table, struct error *error)
{
	const struct row_table_parts *parts = &table->parts;
	size_t rows = parts->rows + 1;
	int result = map_array(&table->keys, parts->keys_fd, rows, parts->key_size, false, "keys",
			       error);

	if (!result)
		result = map_array(&table->values, parts->values_fd, rows, sizeof(struct row_value),
				   true, "counters", error);
	if (!result)
		result = map_array(&table->moved, parts->moved_fd, rows / ROWS_IN_LINE + 1,
				   sizeof(struct moved_line), true, "marks", error);
	if (!result)
		result = map_array(&table->latencies, parts->latencies_fd, parts->latencies + 1,
				   sizeof(struct latency), true, "latencies", error);
	if (!result && parts->causes_fd >= 0)
		result = map_array(&table->causes, parts->causes_fd, parts->latencies + 1,
				   sizeof(struct stall_causes), true, "causes of stalls", error);
	if (!result)
		result = map_array(&table->shares, parts->shares_fd, 1, sizeof(struct shares), true,
				   "shares", error);
	if (!result)
		result = map_array(&table->forget, parts->forget_fd, 1, sizeof(struct forget_list),
				   true, "list to forget", error);
	if (!result && !has_queue(table))
		result = map_array(&table->row_lines, parts->free_rows_fd, lines_of(parts->rows),
				   sizeof(struct index_line), true, "free list", error);
	if (!result && !has_queue(table))
		result = map_array(&table->latency_lines, parts->free_latencies_fd,
				   lines_of(parts->latencies), sizeof(struct index_line), true,
				   "free latencies", error);
	return result;
}

int row_table_open(struct row_table **ret_table, const struct row_table_parts *parts,
		   struct error *error)
{
	struct row_table *table = calloc(1, sizeof(*table));
	int result;

	if (!table)
		return error_set(error, ENOMEM, "out of memory");
	table->parts = *parts;
	result = map_all(table, error);
	if (!result)
		result = give_all(table, error);
	if (result) {
		row_table_close(table);
		return result;
	}
	*ret_table = table;
	return 0;
}

void row_table_close(struct row_table *table)
{
	if (!table)
		return;
	unmap(&table->keys);
	unmap(&table->values);
	unmap(&table->moved);
	unmap(&table->latencies);
	unmap(&table->causes);
	unmap(&table->shares);
	unmap(&table->forget);
	unmap(&table->row_lines);
	unmap(&table->latency_lines);
	free(table);
}

uint32_t row_table_size(const struct row_table *table)
{
	return table->parts.rows;
}

static uint64_t free_count(const struct free_list *list)
{
	return list->given - __atomic_load_n(&list->taken, __ATOMIC_RELAXED);
}

uint32_t row_table_used(const struct row_table *table)
{
	uint64_t left = free_count(table->parts.free_rows);

	return left < table->parts.rows ? table->parts.rows - left : 0;
}

uint32_t row_table_latencies_used(const struct row_table *table)
{
	uint64_t count = table->parts.latencies;
	uint64_t left = has_queue(table) ? count : free_count(table->parts.free_latencies);

	return left < count ? (count - left) * table->parts.rows / count : 0;
}

static uint8_t *mark_of(const struct row_table *table, uint32_t index)
{
	return (uint8_t *)table->moved.memory + index;
}

uint32_t row_table_next_moved(const struct row_table *table, uint32_t *cursor)
{
	while (*cursor <= table->parts.rows) {
		/* Eight marks at once; the last word may reach beyond the last row, not beyond the
		 * map. */
		if (*cursor % 8 == 0 && !*(const volatile uint64_t *)mark_of(table, *cursor)) {
			*cursor += 8;
			continue;
		}
		if (row_table_has_moved(table, (*cursor)++))
			return *cursor - 1;
	}
	return 0;
}

bool row_table_has_moved(const struct row_table *table, uint32_t index)
{
	return __atomic_load_n(mark_of(table, index), __ATOMIC_ACQUIRE);
}

void row_table_set_moved(struct row_table *table, uint32_t index, bool moved)
{
	__atomic_store_n(mark_of(table, index), moved, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

struct row_key row_table_key(const struct row_table *table, uint32_t index)
{
	uint32_t size = table->parts.key_size;
	struct row_key key = {};

	memcpy(&key, (const char *)table->keys.memory + (size_t)index * size, size);
	return key;
}

static struct row_value *value_of(const struct row_table *table, uint32_t index)
{
	return (struct row_value *)table->values.memory + index;
}

const struct row_value *row_table_value(const struct row_table *table, uint32_t index)
{
	return value_of(table, index);
}

/* Which latency is the row's; 0: none. */
static uint32_t latency_index(const struct row_table *table, uint32_t index)
{
	uint32_t own = __atomic_load_n(&value_of(table, index)->latency, __ATOMIC_ACQUIRE);

	return own > table->parts.latencies ? 0 : own;
}

static struct latency *latency_of(const struct row_table *table, uint32_t index)
{
	uint32_t own = latency_index(table, index);

	return own ? (struct latency *)table->latencies.memory + own : NULL;
}

const struct latency *row_table_latency(const struct row_table *table, uint32_t index)
{
	return latency_of(table, index);
}

static struct stall_causes *causes_of(const struct row_table *table, uint32_t index)
{
	uint32_t own = latency_index(table, index);

	return own && table->causes.memory ? (struct stall_causes *)table->causes.memory + own :
					     NULL;
}

const struct stall_causes *row_table_causes(const struct row_table *table, uint32_t index)
{
	return causes_of(table, index);
}

void row_table_set_forget(struct row_table *table, const uint32_t *indexes, uint32_t count)
{
	struct forget_list *list = table->forget.memory;

	memcpy(list->index, indexes, count * sizeof(*indexes));
	list->count = count;
}

bool row_table_has_forgotten(const struct row_table *table, uint32_t place)
{
	const struct forget_list *list = table->forget.memory;

	return !list->index[place];
}

static void leave_shares(struct row_table *table, uint32_t index)
{
	struct shares *shares = table->shares.memory;
	uint32_t process = row_table_key(table, index).tgid % SHARES_OF_PROCESSES;

	__atomic_fetch_sub(&shares->of_process[process].rows, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&shares->of_user[value_of(table, index)->user % SHARES_OF_USERS], 1,
			   __ATOMIC_RELAXED);
}

int row_table_give(struct row_table *table, uint32_t index)
{
	struct latency *latency = latency_of(table, index);
	struct stall_causes *causes = causes_of(table, index);
	uint32_t own = value_of(table, index)->latency;

	leave_shares(table, index);
	if (latency)
		memset(latency, 0, sizeof(*latency));
	if (causes)
		memset(causes, 0, sizeof(*causes));
	memset(value_of(table, index), 0, sizeof(struct row_value));
	row_table_set_moved(table, index, false);
	if (latency && !has_queue(table))
		list_give(table->parts.free_latencies, &table->latency_lines, own,
			  table->parts.latencies);
	return give_row(table, index);
}

void row_table_listen(struct row_table *table)
{
	__atomic_store_n(table->parts.filling_told, 0, __ATOMIC_RELAXED);
}
