/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a VMA is (its class and name) and which mapping of its process it belongs to (its anchor).
 *
 * Heap and main stack have a fixed anchor: brk() and growth change nothing. No hook tells of
 * mmap(), munmap() and mremap() (tracepoints of system calls would slow all of them down); what the
 * VMA itself remembers has to do.
 *
 * Anonymous memory grows at either end as neighbours merge, is split by mprotect() and munmap(),
 * and is moved by mremap(). Two things stay through all of that once a page was written:
 * - vm_pgoff, which is where the mapping was born (mm/vma.c: copy_vma()): a VMA's start is taken
 *   as if it had never moved, and what starts where one did before is the same mapping, unless
 * - anon_vma differs, which its parts share and no other mapping has (mm/rmap.c). It finds parts
 *   that start elsewhere, and tells a new mapping in a place that was used before: that has none
 *   until its first write, or another. A first write is always looked at twice, so that anon_vma is
 *   known from the second fault on. What that leaves: memory that was only read and is moved, or
 *   grows downwards, is a new mapping; of two mappings with a single fault each, one moved and the
 *   other in its old place, the first may be taken for the second. A process has REUSES_MAX
 *   mappings in places of others; after that the newcomer goes on in the row of the one before, or
 *   a loop of mmap() and munmap() would fill the table.
 *
 * A file's mapping (or that of shmem, hugetlb, a device) is anchored where it starts. It may grow
 * at its end; what is split off is another mapping, as text, rodata and data of one program are. A
 * shared one is told by its name and its offset in the file: when it is not where it was any more,
 * it has moved; munmap() and mmap() of the same is that, too. While the same part of a file is
 * mapped more than once, each start address is a mapping of its own. Private ones are not followed:
 * every program that starts has a dozen, and hardly anyone moves them.
 */
#ifndef FAULTMAP_MAPPING_BPF_H
#define FAULTMAP_MAPPING_BPF_H

#include "name.bpf.h"
#include "table.bpf.h"
#include "vma.bpf.h"

#define TMPFS_MAGIC 0x01021994
#define HUGETLBFS_MAGIC 0x958458f6
#define ANON_INODE_FS_MAGIC 0x09041934
#define S_IFMT 0170000
#define S_IFCHR 0020000

struct mapping {
	u64 anchor;
	u64 name_id;
	struct extent extent; /* of anonymous memory with all its parts, as far as they were seen */
	u64 slice_start;      /* what else would be described alike: the VMA, or this slice of it */
	u64 slice_end;
	u64 file_end; /* the first address that no page of the file is for; ~0 without a file */
	u32 pages;    /* of one entry of the page table */
	bool may_be_huge;
	u16 server;    /* enum page_server */
	bool is_fresh; /* about to get its anon_vma: the next fault has to look again */
	u32 class;
	u8 perms;
};

/*
 * What a look-up of a mapping works on, at a fault's entry and at its end: one may come in the
 * middle of the other. Before Linux 6.13 all functions of a program share 512 bytes of stack.
 */
enum { LOOKUP_ENTRY, LOOKUP_END, LOOKUP_COUNT };
struct lookup {
	struct vma vma;
	struct vma other; /* where the same part of a file was before */
	struct mapping mapping;
	struct anchor_value now;
	struct row_key key; /* of the row, and what is added to it */
	struct addition add;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOOKUP_COUNT);
	__type(key, u32);
	__type(value, struct lookup);
} lookups SEC(".maps");

static __always_inline struct lookup *this_cpu_lookup(u32 slot)
{
	return bpf_map_lookup_elem(&lookups, &slot);
}

/* As /proc/PID/maps has them: of a file that is not open for writing, VM_MAYSHARE alone says
 * shared. */
static __always_inline u8 perms_of(u64 flags)
{
	return (flags & VM_READ ? PERM_READ : 0) | (flags & VM_WRITE ? PERM_WRITE : 0) |
	       (flags & VM_EXEC ? PERM_EXEC : 0) | (flags & VM_MAYSHARE ? PERM_SHARED : 0);
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

/* Registered in whatever mode: the flag of UFFDIO_REGISTER_MODE_MINOR is not the same on all
 * kernels. CONFIG_USERFAULTFD. */
static __always_inline bool has_userfaultfd(struct vm_area_struct *area)
{
	return bpf_core_field_exists(area->vm_userfaultfd_ctx.ctx) &&
	       READ(struct vm_area_struct, area, vm_userfaultfd_ctx.ctx);
}

/* Of a file: whether its pages come from another machine, or from a process. The magic numbers are
 * those of include/uapi/linux/magic.h and of the file systems themselves. What is below an overlay is
 * the file of a mapping there (ovl_mmap(), fs/overlayfs/file.c). */
VERIFIED_ONCE int server_of_file(u64 file)
{
	struct inode *inode = READ(struct file, (struct file *)file, f_inode);
	struct super_block *sb = READ(struct inode, inode, i_sb);

	switch ((u32)READ(struct super_block, sb, s_magic)) {
	case 0x65735546: /* FUSE, virtiofs */
	case 0x6969:     /* NFS */
	case 0xff534d42: /* CIFS */
	case 0xfe534d42: /* SMB 2 and later */
	case 0x517b:     /* SMB */
	case 0x01021997: /* 9P */
	case 0x00c36400: /* Ceph */
	case 0x5346414f: /* AFS */
	case 0x6b414653:
	case 0x73757245: /* Coda */
	case 0x0bd00bd0: /* Lustre */
	case 0x20030528: /* OrangeFS */
	case 0x786f4256: /* VirtualBox's shared folders */
		return SERVER_REMOTE;
	default:
		return SERVER_KERNEL;
	}
}

/* Behind the page that has the file's last byte, an access ends in SIGBUS (filemap_fault(),
 * mm/filemap.c). */
static __always_inline u64 end_of_file(const struct vma *vma)
{
	u64 size = READ(struct inode, READ(struct file, vma->file, f_inode), i_size);
	u64 pages = (size + (1 << PAGE_SHIFT) - 1) >> PAGE_SHIFT;

	if (pages <= vma->page_offset)
		return vma->start;
	return vma->start + ((pages - vma->page_offset) << PAGE_SHIFT);
}

/* fs/proc/task_mmu.c: show_map_vma() names heap and stack by the same comparisons. */
static __always_inline u32 class_of_anon(const struct vma *vma, struct mm_struct *mm)
{
	if (vma->start <= FIELD(mm, brk) && vma->end >= FIELD(mm, start_brk))
		return MAPPING_HEAP;
	if (vma->start <= FIELD(mm, start_stack) && vma->end >= FIELD(mm, start_stack))
		return MAPPING_STACK;
	return MAPPING_ANON;
}

static __always_inline struct anchor_value *anchor_at(struct anchor_key *key, u64 place)
{
	key->place = place;
	return bpf_map_lookup_elem(&anchors, key);
}

static __always_inline void put_anchor(struct anchor_key *key, u64 place,
				       const struct anchor_value *value)
{
	struct anchor_value copy = *value;

	key->place = place;
	bpf_map_update_elem(&anchors, key, &copy, BPF_ANY);
}

/* Whether what was seen in this place and what is there now can be one mapping. The first write
 * gives a VMA its anon_vma. Had there been one and was the mm changed since, it would be known
 * now. */
static __always_inline bool same_mapping(const struct anchor_value *seen,
					 const struct anchor_value *now)
{
	if (seen->anon_vma)
		return seen->anon_vma == now->anon_vma;
	return now->anon_vma || !seen->written || seen->sequence == now->sequence;
}

/* An anchor for a mapping in the place of another. */
static __always_inline u64 anchor_of_reuse(struct anchor_key *key,
					   const struct anchor_value *before, u64 start)
{
	struct anchor_value fresh = {}, *reuses;
	u64 anchor = before->anchor;

	reuses = anchor_at(key, PLACE_REUSES);
	if (!reuses) {
		bpf_map_update_elem(&anchors, key, &fresh, BPF_NOEXIST);
		reuses = bpf_map_lookup_elem(&anchors, key);
	}
	if (!reuses || reuses->anchor >= REUSES_MAX)
		return anchor;
	return start + 1 + count_up(&reuses->anchor);
}

/* Remembers whose the anon_vma is, and from where to where its parts were seen: `now` becomes all of
 * them. True when it was not all. */
static __always_inline bool note_parts(struct anchor_key *key, struct anchor_value *now)
{
	struct anchor_value *parts;

	if (!now->anon_vma)
		return false;
	parts = anchor_at(key, now->anon_vma | PLACE_ANON_VMA);
	if (!parts || parts->anchor != now->anchor) {
		put_anchor(key, key->place, now);
		return false;
	}
	if (now->start < parts->start)
		parts->start = now->start;
	if (now->end > parts->end)
		parts->end = now->end;
	if (now->start == parts->start && now->end == parts->end)
		return false;
	now->start = parts->start;
	now->end = parts->end;
	return true;
}

/* The mapping that `now`, an anonymous VMA, is part of; sets its anchor. */
VERIFIED_ONCE int find_anchor(struct anchor_value *now, u32 perms)
{
	struct task_struct *leader = FIELD(untrusted(current_task()), group_leader);
	struct anchor_key key = { .perms = perms };
	struct anchor_value *here, *parts;
	u64 place;

	if (!now)
		return 0;
	key.start_ns = FIELD(leader, start_boottime);
	key.tgid = FIELD(leader, tgid);
	here = anchor_at(&key, now->start);
	if (here && same_mapping(here, now)) {
		now->anchor = here->anchor;
		now->written |= here->written;
		now->is_part = here->is_part;
		if (here->end != now->end || here->anon_vma != now->anon_vma ||
		    here->written != now->written) {
			*here = *now;
			here->is_part = note_parts(&key, now);
		} else if (here->is_part) {
			note_parts(&key, now);
		}
		return 0;
	}
	parts = now->anon_vma ? anchor_at(&key, now->anon_vma | PLACE_ANON_VMA) : NULL;
	/* The memory of an anon_vma may have been another's before. */
	if (parts && parts->start < now->end && now->start < parts->end) {
		now->anchor = parts->anchor;
		if (here) /* it came later, in the old place of this one */
			return 0;
	} else if (here) {
		now->anchor = anchor_of_reuse(&key, here, now->start);
	} else {
		now->anchor = now->start;
	}
	place = now->start;
	put_anchor(&key, place, now);
	if (note_parts(&key, now)) {
		here = anchor_at(&key, place);
		if (here)
			here->is_part = true;
	}
	return 0;
}

/* The anchor of a file's shared mapping: where it was when it was first seen. */
VERIFIED_ONCE int find_file_anchor(struct lookup *lookup)
{
	struct task_struct *task = current_task();
	struct anchor_key key = {};
	struct anchor_value *seen, *now;
	struct mapping *mapping;
	struct vma *old;

	if (!lookup)
		return 0;
	mapping = &lookup->mapping;
	old = &lookup->other;
	now = &lookup->now;
	key.start_ns = FIELD(FIELD(untrusted(task), group_leader), start_boottime);
	key.tgid = FIELD(task, tgid);
	key.perms = mapping->perms;
	__builtin_memset(now, 0, sizeof(*now));
	now->anchor = now->start = mapping->extent.start;
	seen = anchor_at(&key, mix(mapping->name_id, mapping->extent.offset) | PLACE_FILE);
	if (seen && seen->start == now->start) {
		mapping->anchor = seen->anchor;
		return 0;
	}
	if (seen && seen->start == PLACE_SEVERAL)
		return 0;
	if (seen && find_vma(seen->start, old) == WALK_FOUND && old->start == seen->start &&
	    old->page_offset << PAGE_SHIFT == mapping->extent.offset && old->file &&
	    READ(struct file, old->file, f_inode) == READ(struct file, lookup->vma.file, f_inode))
		now->start = PLACE_SEVERAL;
	else if (seen)
		mapping->anchor = now->anchor = seen->anchor;
	put_anchor(&key, key.place, now);
	return 0;
}

/* A thread's stack is plain anonymous memory; what tells it is the thread's stack pointer. The
 * leader's is the main stack, which has its own class. */
static __always_inline bool is_own_stack(struct task_struct *task, const struct vma *vma)
{
	struct pt_regs *regs;

	if (FIELD(task, pid) == FIELD(task, tgid))
		return false;
	regs = user_registers(task);
	return vma->start <= FIELD(regs, sp) && FIELD(regs, sp) < vma->end;
}

/* Of a mapping of a file: its class, its name, where the file ends. */
static __always_inline void describe_file(struct lookup *lookup)
{
	struct mapping *mapping = &lookup->mapping;
	struct vma *vma = &lookup->vma;

	mapping->class = class_of_file(vma);
	if (mapping->class != MAPPING_DEVICE)
		mapping->file_end = end_of_file(vma);
	if (mapping->class == MAPPING_HUGETLB)
		mapping->pages = block_size_of(vma->file) >> PAGE_SHIFT;
	mapping->name_id = name_of_file(vma->file);
	if (vma->flags & VM_MAYSHARE)
		find_file_anchor(lookup);
}

/* [vdso] and the like: arch_vma_name() and special mappings. */
static __always_inline void describe_special(struct mapping *mapping, struct vm_area_struct *area)
{
	struct vm_special_mapping *special = BPF_CORE_READ(area, vm_private_data);

	mapping->class = MAPPING_SPECIAL;
	mapping->name_id = name_of_string((u64)BPF_CORE_READ(special, name));
}

/* Of anonymous memory that is neither heap nor main stack: a thread's stack, or the name that
 * prctl(PR_SET_VMA_ANON_NAME) gave it. */
static __always_inline void name_anon(struct mapping *mapping, const struct vma *vma,
				      struct task_struct *task)
{
	struct vm_area_struct___anon_name *named = vma->pointer;
	struct anon_vma_name *name = NULL;

	if (is_own_stack(task, vma)) {
		mapping->class = MAPPING_THREAD_STACK;
		mapping->name_id = tid_of(task);
	}
	if (bpf_core_field_exists(named->anon_name))
		name = BPF_CORE_READ(named, anon_name);
	if (name) {
		mapping->class = MAPPING_ANON_NAMED;
		mapping->name_id = name_of_string((u64)&name->name);
	}
}

/* Which mapping the anonymous VMA is part of, and from where to where that goes. */
static __always_inline void anchor_anon(struct lookup *lookup, struct task_struct *task, bool write)
{
	struct mapping *mapping = &lookup->mapping;
	struct vma *vma = &lookup->vma;
	struct vm_area_struct *area = vma->pointer;
	struct anchor_value *now = &lookup->now;

	now->start = vma->page_offset << PAGE_SHIFT;
	now->end = now->start + (vma->end - vma->start);
	now->anon_vma = read_word((u64)&area->anon_vma);
	now->written = write && vma->flags & VM_WRITE;
	now->is_part = false;
	now->sequence = mm_sequence(FIELD(untrusted(task), mm));
	/* An unknown access may have been the first write. */
	mapping->is_fresh = (now->written || !config_fault_entry) && !now->anon_vma;
	find_anchor(now, mapping->perms);
	mapping->anchor = now->anchor;
	mapping->extent.start -= (vma->page_offset << PAGE_SHIFT) - now->start;
	mapping->extent.end = mapping->extent.start + (now->end - now->start);
}

/* From where to where the heap goes, of which the VMA is a part if mlock() or madvise() split it. */
static __always_inline void widen_to_heap(struct extent *extent, struct mm_struct *mm)
{
	u64 start = FIELD(mm, start_brk), end = FIELD(mm, brk) + (1 << PAGE_SHIFT) - 1;

	start = start >> PAGE_SHIFT << PAGE_SHIFT;
	end = end >> PAGE_SHIFT << PAGE_SHIFT;
	if (start < extent->start)
		extent->start = start;
	if (end > extent->end)
		extent->end = end;
}

/* Describes the VMA for the current task's process. */
VERIFIED_ONCE int describe(struct lookup *lookup, bool write)
{
	struct task_struct *task = current_task();
	struct vm_area_struct *area;
	struct mapping *mapping;
	struct vma *vma;

	if (!lookup)
		return 0;
	mapping = &lookup->mapping;
	vma = &lookup->vma;
	area = vma->pointer;
	mapping->perms = perms_of(vma->flags);
	mapping->extent.start = vma->start;
	mapping->extent.end = vma->end;
	mapping->extent.offset = vma->file ? vma->page_offset << PAGE_SHIFT : 0;
	mapping->anchor = vma->start;
	mapping->name_id = 0;
	mapping->is_fresh = false;
	mapping->file_end = ~0ULL;
	mapping->server = has_userfaultfd(area) ? SERVER_USER :
			  vma->file             ? server_of_file(vma->file) :
						  SERVER_KERNEL;
	mapping->pages = 1;
	mapping->may_be_huge = vma->flags & VM_HUGEPAGE ||
			       (huge_pages_always && !(vma->flags & VM_NOHUGEPAGE));
	if (vma->file) {
		describe_file(lookup);
		return 0;
	}
	if (vma->ops) {
		describe_special(mapping, area);
		return 0;
	}
	mapping->class = class_of_anon(vma, FIELD(untrusted(task), mm));
	if (mapping->class != MAPPING_ANON) {
		mapping->anchor = mapping->class;
		if (mapping->class == MAPPING_HEAP)
			widen_to_heap(&mapping->extent, FIELD(untrusted(task), mm));
		return 0;
	}
	name_anon(mapping, vma, task);
	anchor_anon(lookup, task, write);
	return 0;
}

#endif
