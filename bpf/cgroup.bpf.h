/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths of cgroups (v2). They are read when a process in them is reported, and sent through the
 * ring once, as names are, so that even a service that lived for a moment has a name. A cgroup is
 * never renamed, and its id is never reused.
 */
#ifndef FAULTMAP_CGROUP_BPF_H
#define FAULTMAP_CGROUP_BPF_H

#include "name.bpf.h"

/* A directory below another one. Nothing limits the depth but the length of the path. */
#define CGROUP_MAX_DEPTH 1024
/* Without bpf_loop(). */
#define CGROUP_DEPTH_OLD 32

/* Of a node's memory, as a plain number: while it is there, so are those above it, removed or not
 * (kernfs_put()). Under RCU since Linux 6.15 (mainline 741c10b096bc), and called __parent then. */
static __always_inline struct kernfs_node *parent_node(struct kernfs_node *node)
{
	struct kernfs_node___plain *before = (void *)node;

	if (bpf_core_field_exists(node->__parent))
		return (void *)read_word((u64)&node->__parent);
	return (void *)read_word((u64)&before->parent);
}

struct cgroup_walk {
	struct kernfs_node *node;
	u32 scratch;
	u32 length;
	u32 flags;
	bool ended;
};

/* One step towards the root that faultmap sees; 1 at the end. */
static long cgroup_step(u32 index, struct cgroup_walk *walk)
{
	struct kernfs_node *node = walk->node;
	u32 at = walk->length, scratch = walk->scratch;
	struct name_record *name = bpf_map_lookup_elem(&name_scratch, &scratch);
	long length;

	walk->ended = true;
	if (!name)
		return 1;
	if (READ(struct kernfs_node, node, id) == config_cgroup_root) {
		walk->flags |= NAME_PATH;
		return 1;
	}
	if (at > NAME_MAX_BYTES - NAME_COMPONENT_MAX) {
		walk->flags |= NAME_CUT;
		return 1;
	}
	length = bpf_probe_read_kernel_str(&name->text[at & (NAME_MAX_BYTES - 1)],
					   NAME_COMPONENT_MAX, BPF_CORE_READ(node, name));
	if (length <= 0 || length > NAME_COMPONENT_MAX)
		return 1;
	walk->length = at + length;
	walk->node = parent_node(node);
	if (!walk->node) { /* it is not below that root: faultmap sees no path to it */
		walk->length = 0;
		return 1;
	}
	walk->ended = false;
	return 0;
}

/* Puts the path together and sends it. Not static: verified once. */
__weak __noinline int send_cgroup(u64 id, u64 node, u32 uid, u32 scratch)
{
	struct cgroup_walk walk = {
		.node = (void *)node,
		.scratch = scratch,
		.flags = NAME_CGROUP,
	};
	u32 generation = names_generation;
	struct name_record *name = bpf_map_lookup_elem(&name_scratch, &scratch);

	if (!name || ring_room() == SEND_NOTHING)
		return 0;
#if OLD_KERNEL
	for (u32 i = 0; i < CGROUP_DEPTH_OLD && !cgroup_step(i, &walk); i++)
		;
#else
	bpf_loop(CGROUP_MAX_DEPTH, cgroup_step, &walk, 0);
#endif
	if (!walk.ended)
		walk.flags |= NAME_CUT;
	if (name_send(name, id, uid, walk.flags, walk.length))
		name_sent(id, generation);
	return 0;
}

/* The id of the name of the task's cgroup; sends the text at first sight, put together in that
 * scratch. */
static __always_inline u64 name_of_cgroup(struct task_struct *task, u32 uid, u32 scratch)
{
	struct css_set *set = READ(struct task_struct, task, cgroups);
	struct cgroup *cgroup = READ(struct css_set, set, dfl_cgrp);
	struct kernfs_node *node = (void *)read_word((u64)&cgroup->kn);
	u64 id = mix(2, READ(struct kernfs_node, node, id));

	if (scratch != SCRATCH_NONE && !is_sent(id))
		send_cgroup(id, (u64)node, uid, scratch);
	return id;
}

#endif
