/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Adds faults up by what they have in common: this defines --by for every command. Each process or
 * row belongs to a text (a unit's name, a path, a kind, ...), and all with the same text are added
 * up in one tally. A grouping is either of one snapshot (the table of a tick: grouping_reset before
 * each) or adds up all snapshots (a summary). It owns its tallies and their texts.
 *
 * While a process lives its tallies are kept apart from those of other processes, so that each
 * tally knows how many processes it has. They are merged when the process has ended, and for the
 * list.
 */
#ifndef FAULTMAP_GROUPING_H
#define FAULTMAP_GROUPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/latency.h"
#include "model/ledger.h"
#include "model/snapshot.h"

/* What a line of a table is. */
enum grouping_by {
	BY_PROCESS,
	BY_THREAD,  /* NAME[TID], with --threads; without, the process's COMM[PID] */
	BY_MAPPING, /* all of one name in a process; small ones of several processes as one */
	BY_FILE,    /* all mappings of one name, in all processes */
	BY_KIND,
	BY_UNIT, /* of systemd, or container: unit_name.h */
	BY_CGROUP,
	BY_COMM,
	BY_EXE,
	BY_UID,    /* the user's name, or the number where it has none */
	BY_PARENT, /* COMM[PID] of the process that is the parent */
	BY_ROW,    /* mapping, permissions, kind, access and mode */
};
/* The words for them, by enum grouping_by; NULL-terminated. */
extern const char *const grouping_words[];

/* Which tallies come first: those with the largest value, except for SORT_PID and SORT_NAME. */
enum tally_sort {
	SORT_STALL,  /* time that tasks stood still */
	SORT_FAULTS, /* minor + major + denied */
	SORT_MINOR,
	SORT_MAJOR,
	SORT_DENIED,
	SORT_BYTES, /* that the faults mapped */
	SORT_RATE,  /* faults per second */
	SORT_PAGES, /* as bytes */
	SORT_RSS,
	SORT_VSZ,
	SORT_PID,  /* the lowest first */
	SORT_NAME, /* by its bytes */
	SORT_COST, /* the default: stall where most faults were timed, else faults */
};
/* The words for them but SORT_COST, by enum tally_sort; NULL-terminated. */
extern const char *const tally_sort_words[];

struct tally {
	/* identity: must stay first, it is the hash key; no padding */
	const char *
		group; /* the grouping's; equal texts share one. BY_PROCESS and BY_THREAD all alike */
	uint64_t start_ns; /* of the process; both 0: of several, or of no process */
	uint64_t tgid;
	uint64_t
		mapping_id; /* of one mapping, BY_MAPPING, BY_FILE, BY_ROW; BY_THREAD its tid; else 0 */
	char perms[5];      /* BY_ROW; else all 0 from here on */
	uint8_t kind, access, mode;

	const char *name;    /* raw bytes, of what is in `group`, or of the process. "": no name */
	char comm[COMM_LEN]; /* of the process, as last seen; "": of several */
	uint32_t uid;
	bool has_ended; /* the process */
	bool is_whole; /* has all faults of the process, which was seen from its birth to its end */
	uint64_t n_processes; /* that had faults there; 0: not known */
	uint64_t n_live;      /* of these, at the last snapshot; only where processes are grouped */
	uint64_t n_mappings;  /* BY_MAPPING, BY_FILE: of this name; 0: not known */
	uint64_t map_start, map_end;   /* BY_ROW: as last seen */
	uint64_t map_bytes;            /* of the largest mapping */
	uint64_t vsz_bytes, rss_bytes; /* of live processes; peaks where it is summed up */

	struct fault_counts counts;   /* in rows: of the interval, or of all that was summed up */
	struct fault_counts total;    /* since attach; 0 where it is summed up */
	uint64_t by_kind[KIND_COUNT]; /* minor + major + denied of counts */
	struct stalls stalls;
	uint64_t by_cause[STALL_CAUSE_COUNT]; /* ns: the parts of stalls.sum_ns; all 0: not told */
	uint64_t refaults;                    /* pages that came back after they had been evicted */
	struct ledger ledger, ledger_total;   /* as counts and total */
	/* Bytes that no more of it were ever resident at once than: of its mapping, and of its process;
	 * LEDGER_NO_BOUND: nobody tells. Of several, the sum. See tally_times(). */
	uint64_t largest_bytes, peak_rss_bytes;
	int64_t growth_bytes; /* where processes are grouped: as ledger_growth() has it */
	/* By the kernel's own counters, where processes are grouped: what getrusage(2) says. */
	uint64_t minor, major, gup;        /* as counts */
	uint64_t minor_total, major_total; /* since the processes began; 0 where it is summed up */
	const struct row *hottest; /* most faults of the interval; the snapshot's. NULL: none */
};
#define TALLY_KEY_SIZE offsetof(struct tally, name)
_Static_assert(TALLY_KEY_SIZE == 40 || sizeof(void *) != 8, "tally key has no padding");

struct grouping_options {
	enum grouping_by by;
	bool has_commands;    /* BY_PROCESS: names are command lines, where they are known */
	bool sums_up;         /* all snapshots rather than the last one */
	size_t max_tallies;   /* kept one by one; beyond, small ones are put together. 0: 16384 */
	size_t max_processes; /* the same BY_PROCESS. 0: 65536 */
	size_t max_names;     /* bytes of names; what is new beyond is "...". 0: 16 MiB */
};

struct grouping;

/* NULL when out of memory. */
struct grouping *grouping_new(const struct grouping_options *options);
void grouping_free(struct grouping *grouping);
/* Forgets all tallies. */
void grouping_reset(struct grouping *grouping);
/* Adds the interval of the snapshot. 0 or -ENOMEM. */
int grouping_add(struct grouping *grouping, const struct snapshot *snapshot);
/* True for what groups processes as a whole, so that vsz, rss, gup and the kernel's own counts are
 * known: not for threads, mappings, files, kinds and rows. */
bool grouping_is_of_processes(enum grouping_by by);
/* True when tallies of this grouping can be sorted so: a kind, for example, has no pid. */
bool grouping_can_sort(enum grouping_by by, enum tally_sort sort);
/* The text that the process is grouped by, written to `buffer` or borrowed from the process. Only
 * for groupings of processes, without BY_PARENT and BY_UID. */
const char *grouping_process_name(enum grouping_by by, const struct process *process, char *buffer,
				  size_t size);

/* Which tallies are shown, and in what order. */
struct tallies_view {
	enum tally_sort sort;
	size_t rows;   /* 0: a page, and more until the rest is small */
	bool show_all; /* shows all, and merges nothing that need not be merged */
};

struct tallies {
	struct tally **list; /* in order, those to be shown first; the grouping owns the tallies */
	size_t count;
	size_t shown;      /* of these, from the first */
	struct tally rest; /* the sum of the others */
	uint64_t n_rest;   /* how many */
	struct tally total;
};

/*
 * Makes the list, to be freed with tallies_clear(). The tallies stay the grouping's; except
 * BY_PROCESS it has to be reset or freed before more is added. Unless view->rows says how many are
 * shown, lines with denied faults and up to 40 lines with major ones are always shown, and the rest
 * has less than a twentieth of all stalls, faults and bytes. 0 or -ENOMEM.
 */
int grouping_tallies(struct grouping *grouping, const struct tallies_view *view,
		     struct tallies *ret_tallies);
void tallies_clear(struct tallies *tallies);
/* Adds up everything but the identity. */
void tally_add(struct tally *sum, const struct tally *more);
/* minor + major + denied of the rows, and gup, which the kernel counted and no row has. */
uint64_t tally_faults(const struct tally *tally);
/* The kinds of the tally's faults as text, the denied ones first, then the most frequent, "gup"
 * where processes are grouped: "denied_bus 1, file_map 60". */
void tally_kinds(const struct tally *tally, char *text, size_t size);
/* True for what a mapping or a process is a line of, so that tally_times() says something. */
bool grouping_has_times(enum grouping_by by);
/* How many times the same memory was faulted in, at least, since attach; 0: less than twice, or
 * nobody tells. Of a mapping or a process. */
uint64_t tally_times(const struct tally *tally, uint64_t page_size);
/* Bytes that no more of it were ever resident at once than; LEDGER_NO_BOUND: nobody tells. */
uint64_t tally_bound(const struct tally *tally);
/* What the tally's stalls mostly waited for, as "disk"; "" for the faults' own work or if
 * unknown. */
const char *tally_why(const struct tally *tally);

#endif
