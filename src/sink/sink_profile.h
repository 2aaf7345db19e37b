/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults by the code that they came from: adds up rows that have a context with code, over all
 * ticks, and call paths that were sampled (profile_paths.h). Its user finds the names of places
 * (symbol/) and sets them before the outputs of profile_output.h. The sink owns all of it.
 */
#ifndef FAULTMAP_SINK_PROFILE_H
#define FAULTMAP_SINK_PROFILE_H

#include "model/sink.h"

/* What a sample weighs. */
enum profile_weight { WEIGHT_FAULTS, WEIGHT_PAGES, WEIGHT_MAJOR, WEIGHT_STALL, WEIGHT_COUNT };
extern const char *const profile_weight_words[]; /* NULL-terminated */

struct profile_place {
	/* identity: must stay first, it is the hash key; no padding */
	const char *file;
	uint64_t offset;
	uint64_t in_file;   /* else offset is an address */
	uint64_t tgid;      /* of the process whose address it is; 0 in a file */
	const char *kernel; /* in the kernel: the function, all that is known of it; else NULL */

	const char *build_id; /* of the file, in hex; NULL: not known */
	const char *map; /* the file of a just-in-time compiler that may name it; NULL in a file */

	/* What its user says, NULL where it is not known. To be freed. */
	char *function;
	char *source;
	unsigned int line;
	bool is_gone; /* the file was */

	uint32_t seen_in; /* a process that has it mapped */

	char *label;         /* what outputs call it: once profile_name_places() was called */
	size_t number;       /* of the function that has this label: profile_functions() */
	size_t place_number; /* from 0, in the order in which places came */
};

/* A call path: the instruction first. What the kernel was at for it comes before. */
struct profile_stack {
	uint64_t id;      /* first: the key, with tgid */
	uint64_t tgid;    /* of the process, if any of its code is in no file; else 0 */
	bool has_callers; /* was looked for */
	bool is_whole;
	size_t n_kernel; /* of the places */
	size_t n_places;
	struct profile_place *places[];
};

struct profile_sample {
	/* identity: must stay first, it is the hash key; no padding */
	const struct profile_stack *stack; /* NULL: no code is known */
	const char *mapping;
	uint64_t start_ns; /* of the process */
	uint32_t tgid;
	uint32_t kind;

	char comm[COMM_LEN]; /* as last seen */
	bool is_sampled;     /* the call path was; the weights are a share of exact ones */
	uint64_t weights[WEIGHT_COUNT];
};

struct sink_profile_options {
	int kind;            /* enum fault_kind alone; -1: all */
	const char *mapping; /* of this name alone; NULL: all */
	/* Each file in which there is code, once, with a process that has it mapped; and, each time
	 * that code outside of files is new, "perf-PID.map", which a just-in-time compiler in it
	 * may write. */
	void (*on_file)(void *context, const char *file, uint32_t tgid);
	void *context;
};

struct sink_profile;

/* NULL when out of memory. */
struct sink_profile *sink_profile_new(const struct sink_profile_options *options);
void sink_profile_free(struct sink_profile *profile);
int sink_profile_tick(struct sink_profile *profile, const struct snapshot *snapshot,
		      struct error *error);
extern const struct sink_ops sink_profile_ops;

/* Arrays of what there is, the profile's; samples with most of the weight first. NULL with
 * *ret_count 0 where there is none, or -ENOMEM. */
int sink_profile_places(struct sink_profile *profile, struct profile_place ***ret_places,
			size_t *ret_count);
int sink_profile_samples(struct sink_profile *profile, enum profile_weight weight,
			 struct profile_sample ***ret_samples, size_t *ret_count);
/* Gives each place its label and each label its number. To be called after the names were set.
 * Returns the number of labels, or -ENOMEM. */
int sink_profile_name_places(struct sink_profile *profile);
/* How many samples there are. */
size_t sink_profile_count(const struct sink_profile *profile);
/* Adds what the other one has: its samples, if it is to count, and its sampled call paths in any
 * case. 0 or -ENOMEM. */
int sink_profile_merge(struct sink_profile *profile, struct sink_profile *other, bool counts);
/* Keeps this many samples, those with the most faults; the rest is in one of each kind that has no
 * code. 0 or -ENOMEM. */
int sink_profile_cut(struct sink_profile *profile, size_t max);
/* Seconds that it covers, and when it ended. */
uint64_t sink_profile_duration_ns(const struct sink_profile *profile);
struct timespec sink_profile_end(const struct sink_profile *profile);
/* Whether the stack goes up to where its thread began: by its frame pointers, or as main() is in
 * it. */
bool profile_stack_is_whole(const struct profile_stack *stack);

#endif
