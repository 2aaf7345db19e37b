/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An mm's pages as the kernel counts them: one counter for each kind of page. Since Linux 6.2 it is
 * a percpu_counter, of which each CPU holds back its part until that is as large as a batch
 * (percpu_counter_add_batch(), lib/percpu_counter.c). Before that CPUs hold nothing back.
 */
#ifndef FAULTMAP_RSS_BPF_H
#define FAULTMAP_RSS_BPF_H

#include "maps.bpf.h"

/* As MM_PAGES(), of an mm that may be a plain number to the verifier. */
#define MM_PAGES_AT(mm, member)                                                         \
	({                                                                              \
		struct mm_struct___atomic_rss *before_at_ = (void *)(mm);               \
		s64 pages_at_;                                                          \
		if (bpf_core_field_exists(before_at_->rss_stat.count))                  \
			pages_at_ = MM_PAGES(mm, member);                               \
		else                                                                    \
			pages_at_ = READ(struct mm_struct, mm, rss_stat[member].count); \
		pages_at_;                                                              \
	})

static __always_inline u64 positive(s64 pages)
{
	return pages > 0 ? pages : 0;
}

/* Without what CPUs hold back, as percpu_counter_read_positive() has each counter. */
static __always_inline u64 rss_of(struct mm_struct *mm)
{
	return positive(MM_PAGES_AT(mm, MM_FILEPAGES)) + positive(MM_PAGES_AT(mm, MM_ANONPAGES)) +
	       positive(MM_PAGES_AT(mm, MM_SHMEMPAGES));
}

/*
 * Where a CPU's part of per-CPU data is, from the address that all share. The kernel's own variable
 * for it can only be named with CONFIG_KALLSYMS_ALL, so the difference is taken of a per-CPU map's
 * two addresses: `theirs` is that of name_scratch[0] for the CPU. 0 without bpf_rdonly_cast(),
 * Linux 6.2.
 */
static __always_inline u64 find_cpu_offset(struct cpu_state *cpu, void *theirs)
{
	struct bpf_array *array;
	u64 address = 0, all = 0;

	if (!CAN_READ_DIRECTLY || !theirs)
		return 0;
	array = bpf_rdonly_cast(&name_scratch, bpf_core_type_id_kernel(struct bpf_array));
	/* Both as numbers: the verifier has no arithmetic for such pointers. */
	if (!bpf_core_read(&all, sizeof(all), &array->pptrs[0]) &&
	    !bpf_probe_read_kernel(&address, sizeof(address), &theirs))
		cpu->offset = address - all;
	return cpu->offset;
}

static __always_inline u64 cpu_offset(void)
{
	struct cpu_state *cpu = this_cpu_state();
	u32 zero = 0;

	if (!cpu || cpu->offset)
		return cpu ? cpu->offset : 0;
	return find_cpu_offset(cpu, bpf_map_lookup_elem(&name_scratch, &zero));
}

#if !OLD_KERNEL
/* What CPUs hold back of an mm's counters. */
struct rss_parts {
	u64 file_slots, anon_slots, shmem_slots; /* as all CPUs share them */
	s64 file, anon, shmem;
	bool is_unknown; /* of some CPU it is not known where its part is */
};

/* A part is an s32. It may be the last of a page, so the word that it is half of is read. */
static __always_inline s64 part_at(u64 address)
{
	u64 word = read_word(address & ~7ULL);

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return (s32)(address & 4 ? word >> 32 : word);
	return (s32)(address & 4 ? word : word >> 32);
}

/* A CPU that is offline holds nothing back (percpu_counter_cpu_dead()). */
static long part_step(u32 number, struct rss_parts *parts)
{
	struct cpu_state *cpu = bpf_map_lookup_elem(&cpu_states, &number);
	u64 offset;
	u32 zero = 0;

	if (!cpu)
		return 1;
	offset = cpu->offset;
	if (!offset)
		offset = find_cpu_offset(cpu,
					 bpf_map_lookup_percpu_elem(&name_scratch, &zero, number));
	if (!offset) {
		parts->is_unknown = true;
		return 1;
	}
	parts->file += part_at(parts->file_slots + offset);
	parts->anon += part_at(parts->anon_slots + offset);
	parts->shmem += part_at(parts->shmem_slots + offset);
	return 0;
}

/*
 * With what CPUs hold back, as percpu_counter_sum_positive() has each counter. RSS_UNKNOWN where
 * that cannot be read, or a CPU has passed its part on meanwhile. The caller has to see that the mm
 * is still there afterwards. Not static: verified once.
 */
__weak __noinline u64 sum_rss(u64 at)
{
	struct mm_struct *mm = (void *)at;
	struct rss_parts parts = {};
	s64 file, anon, shmem;

	if (!bpf_core_field_exists(mm->rss_stat[MM_ANONPAGES].counters))
		return rss_of(mm);
	file = MM_PAGES_AT(mm, MM_FILEPAGES);
	anon = MM_PAGES_AT(mm, MM_ANONPAGES);
	shmem = MM_PAGES_AT(mm, MM_SHMEMPAGES);
	parts.file_slots = (u64)READ(struct mm_struct, mm, rss_stat[MM_FILEPAGES].counters);
	parts.anon_slots = (u64)READ(struct mm_struct, mm, rss_stat[MM_ANONPAGES].counters);
	parts.shmem_slots = (u64)READ(struct mm_struct, mm, rss_stat[MM_SHMEMPAGES].counters);
	bpf_loop(CPUS_LIMIT, part_step, &parts, 0);
	keep_order();
	if (parts.is_unknown || file != MM_PAGES_AT(mm, MM_FILEPAGES) ||
	    anon != MM_PAGES_AT(mm, MM_ANONPAGES) || shmem != MM_PAGES_AT(mm, MM_SHMEMPAGES))
		return RSS_UNKNOWN;
	return positive(file + parts.file) + positive(anon + parts.anon) +
	       positive(shmem + parts.shmem);
}
#else
static __always_inline u64 sum_rss(u64 mm)
{
	return rss_of((void *)mm);
}
#endif

#endif
