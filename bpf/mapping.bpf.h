/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a VMA is (its class and name) and which mapping of its process it belongs to (its anchor).
 *
 * Heap and main stack have a fixed anchor. A file, shmem, hugetlb, special or device mapping is
 * anchored at its start. Anonymous memory grows at either end as neighbours merge (malloc arenas grow up,
 * mmap grows down), so both of its edges are remembered: a VMA that shares an edge and the
 * permissions with one seen before is the same mapping, and takes over its anchor.
 */
#ifndef FAULTMAP_MAPPING_BPF_H
#define FAULTMAP_MAPPING_BPF_H

#include "name.bpf.h"
#include "vma.bpf.h"

#define TMPFS_MAGIC 0x01021994
#define HUGETLBFS_MAGIC 0x958458f6
#define ANON_INODE_FS_MAGIC 0x09041934
#define S_IFMT 0170000
#define S_IFCHR 0020000

struct mapping {
	u64 anchor;
	u64 name_id;
	struct extent extent;
	u64 slice_start; /* what else would be described alike: the extent, or this slice of it */
	u64 slice_end;
	u32 pages; /* of one entry of the page table */
	bool may_be_huge;
	u32 class;
	u8 perms;
};

static __always_inline u8 perms_of(u64 flags)
{
	return (flags & VM_READ ? PERM_READ : 0) | (flags & VM_WRITE ? PERM_WRITE : 0) |
	       (flags & VM_EXEC ? PERM_EXEC : 0) | (flags & VM_SHARED ? PERM_SHARED : 0);
}

/* Of a hugetlbfs file: the size of its pages (fs/hugetlbfs/inode.c: hugetlbfs_fill_super()). */
static __always_inline u64 block_size_of(u64 file)
{
	struct inode *inode = READ(struct file, file, f_inode);
	struct super_block *sb = READ(struct inode, inode, i_sb);

	return READ(struct super_block, sb, s_blocksize);
}

static __always_inline u32 class_of_file(const struct vma *vma)
{
	struct inode *inode = READ(struct file, vma->file, f_inode);
	struct super_block *sb = READ(struct inode, inode, i_sb);
	u64 magic = READ(struct super_block, sb, s_magic);

	if ((READ(struct inode, inode, i_mode) & S_IFMT) == S_IFCHR ||
	    vma->flags & (VM_PFNMAP | VM_IO) || magic == ANON_INODE_FS_MAGIC)
		return MAPPING_DEVICE;
	if (vma->flags & VM_HUGETLB || magic == HUGETLBFS_MAGIC)
		return MAPPING_HUGETLB;
	return magic == TMPFS_MAGIC ? MAPPING_SHMEM : MAPPING_FILE;
}

/* fs/proc/task_mmu.c: show_map_vma() names heap and stack by the same comparisons. */
static __always_inline u32 class_of_anon(const struct vma *vma, struct mm_struct *mm)
{
	if (vma->start <= mm->brk && vma->end >= mm->start_brk)
		return MAPPING_HEAP;
	if (vma->start <= mm->start_stack && vma->end >= mm->start_stack)
		return MAPPING_STACK;
	return MAPPING_ANON;
}

static __always_inline void put_edge(struct anchor_key *key, u64 edge, u64 anchor, u64 other_edge)
{
	struct anchor_value value = { .anchor = anchor, .other_edge = other_edge };

	key->edge = edge;
	bpf_map_update_elem(&anchors, key, &value, BPF_ANY);
}

static __always_inline void drop_edge(struct anchor_key *key, u64 edge)
{
	key->edge = edge;
	bpf_map_delete_elem(&anchors, key);
}

/* The anchor of an anonymous VMA: that of the mapping with which it shares an edge, or its start. */
static __noinline u64 find_anchor(struct task_struct *leader, u64 start, u64 end, u32 perms)
{
	struct anchor_key key = { .start_ns = leader->start_boottime,
				  .tgid = leader->tgid,
				  .perms = perms,
				  .edge = start };
	struct anchor_value *found = bpf_map_lookup_elem(&anchors, &key);
	u64 end_edge = end | 1, anchor, old;

	if (found) {
		anchor = found->anchor;
		old = found->other_edge;
		if (old == end_edge)
			return anchor;
		found->other_edge = end_edge; /* it grew or shrank at its end */
		drop_edge(&key, old);
		put_edge(&key, end_edge, anchor, start);
		return anchor;
	}
	key.edge = end_edge;
	found = bpf_map_lookup_elem(&anchors, &key);
	if (found) { /* it grew or shrank at its start */
		anchor = found->anchor;
		old = found->other_edge;
		found->other_edge = start;
		drop_edge(&key, old);
		put_edge(&key, start, anchor, end_edge);
		return anchor;
	}
	put_edge(&key, start, start, end_edge);
	put_edge(&key, end_edge, start, start);
	return start;
}

/* A thread's stack is plain anonymous memory; what tells it is the thread's stack pointer. The leader's
 * is the main stack, which has its own class. */
static __always_inline bool is_own_stack(struct task_struct *task, const struct vma *vma)
{
	struct pt_regs *regs;

	if (task->pid == task->tgid)
		return false;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	return vma->start <= regs->sp && regs->sp < vma->end;
}

/* Describes the VMA for the task's process. */
static __always_inline void describe(struct mapping *mapping, struct task_struct *task,
				     const struct vma *vma)
{
	struct vm_area_struct___anon_name *named = vma->pointer;
	struct anon_vma_name *name = NULL;

	mapping->perms = perms_of(vma->flags);
	mapping->extent.start = vma->start;
	mapping->extent.end = vma->end;
	mapping->extent.offset = vma->file ? vma->page_offset << PAGE_SHIFT : 0;
	mapping->anchor = vma->start;
	mapping->name_id = 0;
	mapping->pages = 1;
	mapping->may_be_huge = vma->flags & VM_HUGEPAGE ||
			       (huge_pages_always && !(vma->flags & VM_NOHUGEPAGE));
	if (vma->file) {
		mapping->class = class_of_file(vma);
		if (mapping->class == MAPPING_HUGETLB)
			mapping->pages = block_size_of(vma->file) >> PAGE_SHIFT;
		mapping->name_id = name_of_file(vma->file, task->fs);
		return;
	}
	if (vma->ops) { /* arch_vma_name() and special mappings */
		struct vm_area_struct *area = vma->pointer;
		struct vm_special_mapping *special = BPF_CORE_READ(area, vm_private_data);

		mapping->class = MAPPING_SPECIAL;
		mapping->name_id = name_of_string(BPF_CORE_READ(special, name));
		return;
	}
	mapping->class = class_of_anon(vma, task->mm);
	if (mapping->class != MAPPING_ANON) {
		mapping->anchor = mapping->class;
		return;
	}
	if (is_own_stack(task, vma)) {
		mapping->class = MAPPING_THREAD_STACK;
		mapping->name_id = task->pid;
	}
	if (bpf_core_field_exists(named->anon_name))
		name = BPF_CORE_READ(named, anon_name);
	if (name) {
		mapping->class = MAPPING_ANON_NAMED;
		mapping->name_id = name_of_string((const char *)&name->name);
	}
	mapping->anchor = find_anchor(task->group_leader, vma->start, vma->end, mapping->perms);
}

#endif
