/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of rows: a hash says which index a key has, and what is counted stands at that index in
 * arrays that the collector maps. So it reads rows without a system call, and visits those alone
 * that moved.
 *
 * Indexes come from a list of free ones. The collector gives one back in four steps, which lose
 * nothing: forget_rows takes the key out of the hash; flush_run on each CPU says that no program
 * that found it before is still at work; the last counts are read; then it is free. Whoever faults
 * there again gets another index, and the collector adds both up.
 */
#ifndef FAULTMAP_TABLE_BPF_H
#define FAULTMAP_TABLE_BPF_H

#include "maps.bpf.h"

/* Preallocated: growing under memory pressure would fail exactly when faults peak. The sizes of all
 * maps here are set by the collector (src/collect/collector_load.c). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	/* As the values of row_keys: only the first part of struct row_key without contexts. No
	 * __type(): the kernel takes no other size then. */
	__uint(key_size, sizeof(struct row_key));
	__uint(value_size, sizeof(u32));
} rows SEC(".maps");

#define SHARED_ARRAY(name, element)                \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, u32);                  \
		__type(value, element);            \
	} name SEC(".maps")

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct row_key));
} row_keys SEC(".maps");
SHARED_ARRAY(row_values, struct row_value);
SHARED_ARRAY(rows_moved, struct moved_line);
SHARED_ARRAY(latencies, struct latency);
SHARED_ARRAY(stall_causes, struct stall_causes); /* by the index of the row's latency */
SHARED_ARRAY(row_shares, struct shares);
SHARED_ARRAY(rows_to_forget, struct forget_list);

/* How many indexes are free, in both lists. */
struct free_list free_rows = {}, free_latencies = {};
/* The collector knows that the table is filling. It sets this back once it has made room. */
u32 filling_told = 0;

#if OLD_KERNEL
/* Without an atomic operation that gives a value back (Linux 5.12), a queue's lock decides who gets
 * an index. */
#define INDEX_QUEUE(name)                         \
	struct {                                  \
		__uint(type, BPF_MAP_TYPE_QUEUE); \
		__uint(max_entries, 1);           \
		__type(value, u32);               \
	} name SEC(".maps")
INDEX_QUEUE(free_row_lines);

#define ROW_INDEX_TAKE(cpu) index_pop(&free_rows, &free_row_lines)
#define ROW_INDEX_GIVE(cpu, index) index_push(&free_rows, &free_row_lines, index)

static __always_inline u32 index_pop(struct free_list *list, void *queue)
{
	u32 index = 0;

	if (bpf_map_pop_elem(queue, &index))
		return 0;
	__sync_fetch_and_add(&list->taken, 1);
	return index;
}

static __always_inline void index_push(struct free_list *list, void *queue, u32 index)
{
	if (!bpf_map_push_elem(queue, &index, 0))
		__sync_fetch_and_add(&list->given, 1);
}
#else
SHARED_ARRAY(free_row_lines, struct index_line);
SHARED_ARRAY(free_latency_lines, struct index_line);

#define ROW_INDEX_TAKE(cpu) \
	index_take(&free_rows, &free_row_lines, config_row_lines_mask, &(cpu)->spare_row)
#define ROW_INDEX_GIVE(cpu, index) index_give(&(cpu)->spare_row, index)

/* Of two CPUs that want the same index one gets it, and the other tries again. */
#define INDEX_TRIES 64

#define NO_ENTRY (~0ULL)

/* The number of an entry of the list that is ours now, NO_ENTRY when there is none. */
VERIFIED_ONCE u64 claim_entry(struct free_list *list)
{
	for (u32 i = 0; list && i < INDEX_TRIES; i++) {
		u64 taken = *(volatile u64 *)&list->taken;

		if (taken == *(volatile u64 *)&list->given)
			break;
		if (__sync_val_compare_and_swap(&list->taken, taken, taken + 1) == taken)
			return taken;
	}
	return NO_ENTRY;
}

/*
 * A free index, 0 when there is none. The entry is read once it is ours: the collector does not
 * write there before it has seen that all programs of now have ended.
 */
static __always_inline u32 index_take(struct free_list *list, void *lines, u32 mask, u32 *spare)
{
	u32 index = __sync_lock_test_and_set(spare, 0);
	u64 entry = index ? NO_ENTRY : claim_entry(list);
	u32 at = entry / INDEXES_IN_LINE & mask;
	struct index_line *line;

	if (entry == NO_ENTRY)
		return index;
	line = bpf_map_lookup_elem(lines, &at);
	return line ? line->index[entry % INDEXES_IN_LINE] : 0;
}

/* Puts back what was taken for nothing: another CPU had made the same row. Kept for the next one on
 * this CPU. Should there be one already, which takes three programs at once, the index is out of
 * use. */
static __always_inline void index_give(u32 *spare, u32 index)
{
	__sync_val_compare_and_swap(spare, 0, index);
}
#endif

static __always_inline u64 free_count(const struct free_list *list)
{
	return *(volatile u64 *)&list->given - *(volatile u64 *)&list->taken;
}

/* Tells the collector, once, that room is wanted. */
static __always_inline void tell_filling(void)
{
	struct record record = { .type = RECORD_FILLING, .size = sizeof(record) };

	if (filling_told)
		return;
	filling_told = 1;
	bpf_ringbuf_output(&records, &record, sizeof(record), BPF_RB_FORCE_WAKEUP);
}

static __always_inline struct shares *all_shares(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&row_shares, &zero);
}

/* The current task faults: remembers whose its process is. Costs a cache line that is hardly ever
 * written. */
static __always_inline void note_user(struct task_struct *task, u32 tgid)
{
	struct shares *shares = all_shares();
	u32 user = READ(struct cred, FIELD(untrusted(task), real_cred), euid.val) % SHARES_OF_USERS;

	if (shares && shares->of_process[tgid % SHARES_OF_PROCESSES].user != user)
		shares->of_process[tgid % SHARES_OF_PROCESSES].user = user;
}

/*
 * Whether the process may have one row more. The last quarter of the table is for those who have
 * less than their share, so that one who makes rows faster than the collector takes them out does
 * not spoil it for the others. With `run` there are no others.
 */
static __always_inline bool has_share_left(const struct row_key *key, u64 left)
{
	struct shares *shares = all_shares();
	u32 user;

	if (config_follow || left > config_rows / 4 || !shares)
		return true;
	user = shares->of_process[key->tgid % SHARES_OF_PROCESSES].user % SHARES_OF_USERS;
	return shares->of_process[key->tgid % SHARES_OF_PROCESSES].rows < config_rows / 8 &&
	       shares->of_user[user] < config_rows / 2;
}

/* Enters the row of an index in its process's and its user's share. */
static __always_inline void take_share(const struct row_key *key, struct row_value *row)
{
	struct shares *shares = all_shares();

	if (!shares)
		return;
	row->user = shares->of_process[key->tgid % SHARES_OF_PROCESSES].user % SHARES_OF_USERS;
	__sync_fetch_and_add(&shares->of_process[key->tgid % SHARES_OF_PROCESSES].rows, 1);
	__sync_fetch_and_add(&shares->of_user[row->user % SHARES_OF_USERS], 1);
}

static __always_inline void leave_share(const struct row_key *key, const struct row_value *row)
{
	struct shares *shares = all_shares();

	if (!shares)
		return;
	__sync_fetch_and_add(&shares->of_process[key->tgid % SHARES_OF_PROCESSES].rows, -1);
	__sync_fetch_and_add(&shares->of_user[row->user % SHARES_OF_USERS], -1);
}

/* Tells the collector that the row has moved. After the counts are in it. */
static __always_inline void row_moved(u32 index)
{
	u32 at = index / ROWS_IN_LINE;
	struct moved_line *line = bpf_map_lookup_elem(&rows_moved, &at);

	if (line && !line->moved[index % ROWS_IN_LINE])
		line->moved[index % ROWS_IN_LINE] = 1;
}

/* The row of the key and its index; NULL when there is none. */
static __always_inline struct row_value *row_find(const struct row_key *key, u32 *ret_index)
{
	u32 *index = bpf_map_lookup_elem(&rows, key);

	if (!index)
		return NULL;
	*ret_index = *index;
	return bpf_map_lookup_elem(&row_values, index);
}

/* Copies a key; only its first part if the keys of row_keys have no more. */
static __always_inline void copy_key(struct row_key *to, const struct row_key *from)
{
	__builtin_memcpy(to, from, ROW_KEY_PLAIN);
	if (has_context())
		to->context = from->context;
}

/* Puts what stands in a free row under its key. False when there is no room or it is there
 * already. */
static __always_inline bool row_enter(struct cpu_state *cpu, const struct row_key *key,
				      struct row_value *row, u32 index)
{
	struct row_key *own_key = bpf_map_lookup_elem(&row_keys, &index);

	if (!own_key)
		return false;
	copy_key(own_key, key);
	take_share(key, row);
	if (!bpf_map_update_elem(&rows, key, &index, BPF_NOEXIST))
		return true;
	leave_share(key, row);
	row->minor = row->major = row->denied = row->pages = 0;
	ROW_INDEX_GIVE(cpu, index);
	return false;
}

/* A function of its own, for its stack. */
VERIFIED_ONCE u32 size_code(u64 bytes)
{
	return code_of_size(bytes);
}

struct addition {
	u64 minor;
	u64 major;
	u64 denied;
	u64 pages;
	u64 stall_ns; /* of this one fault; 0: not measured */
	u64 is_late;  /* the row may know better where its mapping is */
};

/*
 * Makes a row that begins with these counts. NULL when its process has no share left, there is no
 * room, or another CPU has just made it: then row_find() has it.
 */
static __always_inline struct row_value *row_new(struct cpu_state *cpu, const struct row_key *key,
						 const struct extent *extent,
						 const struct addition *add, u32 *ret_index)
{
	u64 left = free_count(&free_rows);
	struct row_value *row;
	u32 index;

	if (left < ROWS_IN_RESERVE(config_rows))
		tell_filling();
	if (MODE_CLASS_CLASS(key->mode_class) != MAPPING_OTHER && !has_share_left(key, left))
		return NULL;
	index = ROW_INDEX_TAKE(cpu);
	row = index ? bpf_map_lookup_elem(&row_values, &index) : NULL;
	if (!row)
		return NULL;
	row->minor = add->minor;
	row->major = add->major;
	row->denied = add->denied;
	row->pages = add->pages;
	row->extent = *extent;
	row->largest = size_code(extent->end - extent->start);
	if (!row_enter(cpu, key, row, index))
		return NULL;
	*ret_index = index;
	return row;
}

/* The row's stalls, made at need; NULL when no latency is free. */
static __always_inline struct latency *latency_of(struct cpu_state *cpu, struct row_value *row,
						  u32 index)
{
	u32 own = row->latency;

	if (!own) {
#if OLD_KERNEL /* as many latencies as rows */
		row->latency = own = index;
#else
		if (free_count(&free_latencies) < config_latencies / 2)
			tell_filling();
		own = index_take(&free_latencies, &free_latency_lines, config_latency_lines_mask,
				 &cpu->spare_latency);
		if (!own)
			return NULL;
		index = __sync_val_compare_and_swap(&row->latency, 0, own);
		if (index) { /* another CPU was first */
			index_give(&cpu->spare_latency, own);
			own = index;
		}
#endif
	}
	return bpf_map_lookup_elem(&latencies, &own);
}

#endif
