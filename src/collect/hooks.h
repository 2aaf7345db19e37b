/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Each BPF program: what it is attached to, the feature that goes with it, and when it is needed.
 * One table, in the order of attaching. A refusal of the kernel names the program or map, what it
 * was to be attached to, the system call and the errno. The caller decides whether faultmap
 * continues without that feature. Private to collector*.c.
 */
#ifndef FAULTMAP_HOOKS_H
#define FAULTMAP_HOOKS_H

#include <bpf/libbpf.h>

#include "collect/collector.h"
#include "collect/features.h"

struct hooks;

/* Everything is borrowed and outlives the hooks; the names of hooks in use are added to `info`.
 * From here on libbpf tells which program it is loading: one struct hooks at a time. NULL: out of
 * memory. */
struct hooks *hooks_new(const struct collector_options *options, const struct feature_set *features,
			struct collector_info *info);
/* Takes every program off its hook. NULL is fine. Before the object is closed. */
void hooks_free(struct hooks *hooks);

/* Says which programs of the object are to be loaded. After opening, before loading. 0 or a
 * negative errno with the refusal of a hook that this kernel does not have. */
int hooks_choose(struct hooks *hooks, struct bpf_object *object, struct refusal *ret_refusal);
/* After loading has failed with this errno: finds which program or map it was; nothing if
 * neither. */
void hooks_find_refused(const struct hooks *hooks, int why, struct refusal *ret_refusal);

/* Attaches the iterator and all tracepoints that are to be attached at once. 0 or a negative errno
 * with the refusal. */
int hooks_attach(struct hooks *hooks, struct refusal *ret_refusal);
/* Attaches the tracepoint that only faults from swap need. As hooks_attach. */
int hooks_attach_swap(struct hooks *hooks, struct refusal *ret_refusal);
/* Attaches the tracepoint that reports refaults, unless it is attached; the next function detaches
 * it. As hooks_attach. */
int hooks_attach_refaults(struct hooks *hooks, struct refusal *ret_refusal);
void hooks_detach_refaults(struct hooks *hooks);
/* A program of the object is to be loaded, or has been. */
bool hooks_has(const struct hooks *hooks, const char *program);
/* Says that a hook is in use: "perf_event/page-faults". */
void hooks_add_name(struct hooks *hooks, const char *name);
/* The iterator of tasks; NULL where there is none. */
struct bpf_link *hooks_tasks_link(const struct hooks *hooks);

#endif
