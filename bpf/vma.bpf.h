/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the VMA of an address without a lock by walking mm->mm_mt (lib/maple_tree.c, Linux 6.1 on),
 * or mm->mm_rb. bpf_find_vma() would cost 12 us per fault with interrupts off. At fault entry
 * nothing holds the VMA, so the result is a well-founded hint: nodes are freed by RCU, dead ones
 * are noticed and walked again, and the VMA found must belong to the mm and hold the address.
 */
#ifndef FAULTMAP_VMA_BPF_H
#define FAULTMAP_VMA_BPF_H

#include "maps.bpf.h"

/* include/linux/mm.h; the low 32 bits are the same on every kernel from 5.10 to 7.3. */
#define VM_READ 0x1UL
#define VM_WRITE 0x2UL
#define VM_EXEC 0x4UL
#define VM_SHARED 0x8UL
#define VM_MAYSHARE 0x80UL
#define VM_GROWSDOWN 0x100UL
#define VM_UFFD_MISSING 0x200UL
#define VM_PFNMAP 0x400UL
#define VM_UFFD_WP 0x1000UL
#define VM_IO 0x4000UL
#define VM_HUGETLB 0x400000UL
#define VM_HUGEPAGE 0x20000000UL
#define VM_NOHUGEPAGE 0x40000000UL

#define PAGE_SHIFT 12

struct vma {
	u64 start;
	u64 end;
	u64 flags;
	u64 page_offset;
	u64 ops;
	u64 file;
	void *pointer;
};

/* Node types, in bits 3 to 6 of a pointer to a node. Types 0 and 1 are leaves. */
#define MAPLE_LEAF_64 1
#define MAPLE_ARANGE_64 3
#define MAPLE_PIVOTS 15
#define MAPLE_ARANGE_PIVOTS 9
#define MAPLE_MAX_DEPTH 8
#define MAPLE_RETRIES 4

enum walk_result { WALK_FOUND, WALK_GAP, WALK_FLUX, WALK_FAILED };

/*
 * The slot of a node in which address lies: the first whose pivot is not below it, or the last.
 * *max becomes that slot's last address (unchanged for the last slot). -1 when the node is dead:
 * its own parent (mte_dead_node()), replaced by another meanwhile.
 */
static __always_inline int find_slot(u64 pointer, u32 n_pivots, u64 address, u64 *max)
{
	struct maple_range_64 *node = NULL;
	struct maple_copy *copy = NULL;
	u32 zero = 0;

	if (CAN_READ_DIRECTLY) {
		node = bpf_rdonly_cast((void *)pointer,
				       bpf_core_type_id_kernel(struct maple_range_64));
		if ((u64)node->parent == pointer)
			return -1;
	} else {
		copy = bpf_map_lookup_elem(&maple_scratch, &zero);
		if (!copy || bpf_probe_read_kernel(copy, sizeof(*copy), (void *)pointer) ||
		    copy->parent == pointer)
			return -1;
	}
#pragma unroll
	for (u32 i = 0; i < MAPLE_PIVOTS; i++) {
		u64 pivot = CAN_READ_DIRECTLY ? node->pivot[i] : copy->pivot[i];

		if (i == n_pivots || (i && !pivot))
			return i;
		if (pivot >= address) {
			*max = pivot;
			return i;
		}
	}
	return MAPLE_PIVOTS;
}

#define ENTRY_DEAD (~0ULL) /* no pointer to a node, nor to a VMA */

static __always_inline u32 node_type(u64 entry)
{
	return (entry >> 3) & 15;
}

/* What the node that `entry` points to has for address. *max: see find_slot(). */
VERIFIED_ONCE u64 next_entry(u64 entry, u64 address, u64 *max)
{
	u32 n_pivots = node_type(entry) == MAPLE_ARANGE_64 ? MAPLE_ARANGE_PIVOTS : MAPLE_PIVOTS;
	u64 pointer = entry & ~255ULL;
	int slot = max ? find_slot(pointer, n_pivots, address, max) : -1;

	return slot < 0 ? ENTRY_DEAD : read_word(pointer + 8ULL * (1 + n_pivots + slot));
}

/*
 * Goes down from the root to the leaf entry for address. WALK_FOUND: *ret is the VMA pointer.
 * WALK_GAP: nothing is mapped there and *ret is the last address of the gap.
 */
static __always_inline enum walk_result walk_once(u64 root, u64 address, u64 *ret)
{
	u64 entry = root, max = ~0ULL;

	for (int depth = 0; depth < MAPLE_MAX_DEPTH; depth++) {
		u32 type = node_type(entry);

		if (type > MAPLE_ARANGE_64)
			return WALK_FAILED;
		entry = next_entry(entry, address, &max);
		if (entry == ENTRY_DEAD)
			return WALK_FAILED;
		if (type <= MAPLE_LEAF_64) {
			*ret = entry ?: max;
			return entry ? WALK_FOUND : WALK_GAP;
		}
	}
	return WALK_FAILED;
}

/* Reads the VMA's fields; false when it is not (or no longer) of this mm. */
static __always_inline bool read_vma(void *pointer, struct mm_struct *mm, struct vma *vma)
{
	vma->pointer = pointer;
	vma->start = READ(struct vm_area_struct, pointer, vm_start);
	vma->end = READ(struct vm_area_struct, pointer, vm_end);
	vma->flags = READ(struct vm_area_struct, pointer, vm_flags);
	vma->page_offset = READ(struct vm_area_struct, pointer, vm_pgoff);
	vma->ops = (u64)READ(struct vm_area_struct, pointer, vm_ops);
	vma->file = (u64)READ(struct vm_area_struct, pointer, vm_file);
	return READ(struct vm_area_struct, pointer, vm_mm) == mm;
}

#if OLD_KERNEL
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct vma);
} vma_found SEC(".maps");

static __always_inline struct vma *this_cpu_vma_found(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&vma_found, &zero);
}
#endif

/* Twice the logarithm of vm.max_map_count's 65,530, and then some. */
#define RB_MAX_DEPTH 40

/* As walk_once, in the red-black tree that mm->mm_rb was before Linux 6.1 (find_vma(),
 * mm/mmap.c). */
static __always_inline enum walk_result walk_rb_once(u64 node, u64 address, u64 *ret)
{
	u64 gap_end = 0;

	for (int depth = 0; depth < RB_MAX_DEPTH && node; depth++) {
		u64 area = node - bpf_core_field_offset(struct vm_area_struct___rb_tree, vm_rb);
		u64 start = READ(struct vm_area_struct, area, vm_start);

		if (start <= address && address < READ(struct vm_area_struct, area, vm_end)) {
			*ret = area;
			return WALK_FOUND;
		}
		if (address < start) {
			gap_end = start;
			node = (u64)READ(struct rb_node, node, rb_left);
		} else {
			node = (u64)READ(struct rb_node, node, rb_right);
		}
	}
	*ret = gap_end - 1;
	return node ? WALK_FAILED : WALK_GAP;
}

static __always_inline bool has_rb_tree(struct mm_struct *mm)
{
	return OLD_KERNEL && bpf_core_field_exists(((struct mm_struct___rb_tree *)mm)->mm_rb);
}

/* RWSEM_WRITER_LOCKED: somebody may be changing the tree, whose nodes then are in no order. */
static __always_inline bool rb_tree_in_flux(struct mm_struct___rb_tree *mm)
{
	return bpf_core_field_exists(mm->mmap_lock.count) && FIELD(mm, mmap_lock.count.counter) & 1;
}

/* The tree is read without a lock, and no sequence shows changes: looks again for what was not
 * found. */
static __always_inline enum walk_result walk_rb(struct mm_struct___rb_tree *mm, u64 address,
						u64 *ret)
{
	enum walk_result walk;
	bool in_flux;

	/* Or clang takes the addresses of its fields where they are not known to exist. */
	barrier_var(mm);
	in_flux = rb_tree_in_flux(mm);
	walk = walk_rb_once((u64)FIELD(mm, mm_rb.rb_node), address, ret);
	if (walk == WALK_GAP && (in_flux || rb_tree_in_flux(mm)))
		return WALK_FAILED;
	return walk;
}

/*
 * As walk_once with retries, for the current task, and with the VMA read. On WALK_GAP vma->end is
 * the end of the gap. A VMA that another thread is splitting or merging is found by the tree but
 * does not hold the address for a moment: then WALK_FLUX, and the VMA is the one that the tree
 * names.
 */
#if OLD_KERNEL
/* A pointer as argument of such a function needs Linux 5.12: it leaves the VMA in vma_found. */
__weak __noinline int find_vma_old(u64 address)
#else
VERIFIED_ONCE int find_vma(u64 address, struct vma *vma)
#endif
{
	struct mm_struct *mm = FIELD(untrusted(current_task()), mm);
	int result = WALK_FAILED;
#if OLD_KERNEL
	struct vma *vma = this_cpu_vma_found();
#endif

	if (!vma || !mm)
		return WALK_FAILED;
	for (int try = 0; try < MAPLE_RETRIES; try++) {
		u64 found = 0;
		int walk;

		if (has_rb_tree(mm)) {
			walk = walk_rb((void *)mm, address, &found);
		} else {
			u64 root;

			if (OLD_KERNEL) /* see walk_rb() */
				barrier_var(mm);
			root = read_word((u64)&mm->mm_mt.ma_root);
			/* A tree of at most one entry has no node (xa_is_node): nothing is mapped
			 * any more. */
			if (!root) {
				vma->end = 0;
				return WALK_GAP;
			}
			if ((root & 3) != 2 || root < 4096)
				return WALK_FAILED;
			walk = walk_once(root, address, &found);
		}
		if (walk == WALK_GAP) {
			vma->end = found + 1;
			return WALK_GAP;
		}
		if (walk != WALK_FOUND || !read_vma((void *)found, mm, vma))
			continue;
		if (vma->start <= address && address < vma->end)
			return WALK_FOUND;
		result = WALK_FLUX;
	}
	return result;
}

#if OLD_KERNEL
static __always_inline int find_vma(u64 address, struct vma *vma)
{
	int result = find_vma_old(address);
	struct vma *found = this_cpu_vma_found();

	if (!found)
		return WALK_FAILED;
	*vma = *found;
	return result;
}
#endif

#endif
