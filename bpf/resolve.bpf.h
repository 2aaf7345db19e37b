/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an address of the current task is: its mapping, the kind of a fault there, the row's key. */
#ifndef FAULTMAP_RESOLVE_BPF_H
#define FAULTMAP_RESOLVE_BPF_H

#include "kind.bpf.h"
#include "slice.bpf.h"

/* In what resolve() returns, beside the kind: the VMA may serve the next faults. */
#define RESOLVED_CACHABLE 0x100
#define RESOLVED_KIND 0xff

/* Finds the mapping, which it leaves in lookup, and returns the kind. */
VERIFIED_ONCE int resolve(struct lookup *lookup, u64 address, u64 error_code)
{
	bool grows = false;
	struct mapping *mapping;
	struct vma *vma;
	int found, kind;

	if (!lookup)
		return KIND_UNKNOWN;
	mapping = &lookup->mapping;
	vma = &lookup->vma;
	found = find_vma(address, vma);
	/* Below a mapping that grows down, the kernel tries to extend it (expand_stack()). */
	if (found == WALK_GAP)
		grows = find_vma(vma->end, vma) == WALK_FOUND && vma->flags & VM_GROWSDOWN;
	if (found != WALK_FOUND && found != WALK_FLUX && !grows) {
		__builtin_memset(mapping, 0, sizeof(*mapping));
		mapping->file_end = ~0ULL;
		mapping->pages = 1;
		mapping->class = found == WALK_GAP ? MAPPING_NONE : MAPPING_UNRESOLVED;
		return kind_at_entry(found, grows, error_code, 0, mapping->class);
	}
	describe(lookup, error_code & PF_WRITE);
	narrow_to_slice(mapping, vma, address);
	kind = kind_at_entry(found, grows, error_code, vma->flags, mapping->class);
	return found == WALK_FOUND && !mapping->is_fresh ? kind | RESOLVED_CACHABLE : kind;
}

static __always_inline void row_key_of(struct row_key *key, struct task_struct *leader,
				       const struct mapping *mapping, u32 kind, u32 access,
				       u32 mode)
{
	key->start_ns = FIELD(leader, start_boottime);
	key->tgid = tgid_of(leader);
	key->anchor = mapping->anchor;
	key->name_id = mapping->name_id;
	key->kind = kind;
	key->access = access;
	key->mode_class = MODE_CLASS(mode, mapping->class);
	key->perms = mapping->perms;
}

/*
 * Another thread may be changing the address space as a fault begins: then the walk finds nothing,
 * or nothing yet. Once the fault has been served, there was a mapping.
 */
static __always_inline bool is_doubtful(const struct row_key *key)
{
	return MODE_CLASS_CLASS(key->mode_class) == MAPPING_UNRESOLVED ||
	       key->kind >= KIND_FIRST_DENIED;
}

/* Looks for the mapping of a doubtful fault again, which has been served. The caller has claimed
 * it. */
static __noinline int resolve_again(struct task_fault *fault, u32 which)
{
	struct task_struct *task = current_task();
	struct lookup *lookup = this_cpu_lookup(which);
	u32 kind;

	if (!lookup || !FIELD(untrusted(task), mm))
		return 0;
	kind = resolve(lookup, fault->address, fault->error_code) & RESOLVED_KIND;
	row_key_of(&lookup->key, FIELD(untrusted(task), group_leader), &lookup->mapping, kind,
		   fault->key.access, MODE_CLASS_MODE(fault->key.mode_class));
	if (is_doubtful(&lookup->key))
		return 0;
	lookup->key.context = fault->key.context;
	fault->key = lookup->key;
	fault->server = lookup->mapping.server;
	fault->extent = lookup->mapping.extent;
	fault->pages = lookup->mapping.pages;
	return 0;
}

#endif
