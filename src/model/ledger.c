// SPDX-License-Identifier: GPL-2.0-only
#include "model/ledger.h"

/* Less takes under a millisecond, and every shell does it. */
#define AGAIN_MIN (UINT64_C(4) << 20)

static bool brings_memory(const struct row *row)
{
	switch (row->kind) {
	case KIND_DEMAND_ZERO:
	case KIND_HUGE_ZERO:
	case KIND_STACK_GROWTH:
		return row->access == ACCESS_WRITE;
	case KIND_FILE_MAP:
	case KIND_FILE_COW:
	case KIND_SHMEM:
	case KIND_SWAP_IN:
	case KIND_POPULATE:
		return true;
	default:
		return false;
	}
}

/* A copy of a file's page is not due to fork(). */
static bool copies_memory(const struct row *row)
{
	return row->kind == KIND_COW && row->mapping[0] == '[';
}

struct ledger ledger_of(const struct row *row, const struct fault_counts *counts)
{
	uint64_t brought = brings_memory(row) ? counts->pages : 0;

	return (struct ledger){
		.copied = copies_memory(row) ? counts->pages : 0,
		.brought = brought,
		.passed = row->largest == SIZE_CODE_WINDOW ? brought : 0,
	};
}

void ledger_add(struct ledger *sum, const struct ledger *more)
{
	sum->copied += more->copied;
	sum->brought += more->brought;
	sum->passed += more->passed;
}

uint64_t ledger_may_repeat(const struct ledger *ledger)
{
	return ledger->brought - ledger->passed;
}

uint64_t ledger_largest(const struct row *row)
{
	return row->largest ? size_of_code(row->largest) : LEDGER_NO_BOUND;
}

uint16_t ledger_size_code(uint64_t bytes)
{
	return code_of_size(bytes);
}

uint64_t ledger_times(uint64_t brought_bytes, uint64_t bound_bytes)
{
	uint64_t times = bound_bytes && bound_bytes != LEDGER_NO_BOUND ?
				 brought_bytes / bound_bytes :
				 0;

	return times > 1 && brought_bytes >= AGAIN_MIN ? times : 0;
}

/* So that its negative is a number, too. */
static int64_t bounded(int64_t bytes)
{
	return bytes == INT64_MIN ? -INT64_MAX : bytes;
}

int64_t ledger_growth(const struct process *process)
{
	uint64_t now = process->ended ? 0 : process->rss_bytes;

	return bounded((int64_t)(now - process->rss_before_bytes));
}

void ledger_add_growth(int64_t *sum, int64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = more < 0 ? -INT64_MAX : INT64_MAX;
	*sum = bounded(*sum);
}
