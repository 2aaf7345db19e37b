/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system call that a task is in, on x86-64 and arm64, and what it populates by its arguments. */
#ifndef FAULTMAP_CALL_BPF_H
#define FAULTMAP_CALL_BPF_H

#include "context.bpf.h"

#if !OLD_KERNEL

/* Else it is arm64: src/collect/features.c asks for no other. */
#define IS_X86 bpf_core_field_exists(((struct pt_regs *)0)->orig_ax)

#define TS_COMPAT 0x2 /* arch/x86/include/asm/thread_info.h: a system call of 32 bits */
#define TIF_32BIT 22  /* arch/arm64/include/asm/thread_info.h: the same */
#define O_DIRECT_OF_X86 00040000
#define O_DIRECT_OF_ARM64 00200000

/* include/uapi/linux/mman.h, asm-generic/mman-common.h */
#define MAP_FIXED 0x10
#define MAP_FIXED_NOREPLACE 0x100000
#define MAP_LOCKED 0x2000
#define MAP_POPULATE 0x8000
#define MREMAP_FIXED 2
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23

/* arch/x86/entry/syscalls/syscall_64.tbl. By these all calls are known here. */
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_MMAP = 9,
	NR_MPROTECT = 10,
	NR_MUNMAP = 11,
	NR_BRK = 12,
	NR_PREAD64 = 17,
	NR_PWRITE64 = 18,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_MREMAP = 25,
	NR_MADVISE = 28,
	NR_SHMAT = 30,
	NR_MLOCK = 149,
	NR_MLOCKALL = 151,
	NR_FUTEX = 202,
	NR_VMSPLICE = 278,
	NR_PREADV = 295,
	NR_PWRITEV = 296,
	NR_PROCESS_VM_READV = 310,
	NR_PROCESS_VM_WRITEV = 311,
	NR_MLOCK2 = 325,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
	NR_PKEY_MPROTECT = 329,
	NR_IO_URING_REGISTER = 427,
};

/* include/uapi/linux/io_uring.h */
#define IORING_REGISTER_BUFFERS 0
#define IORING_REGISTER_BUFFERS2 15
#define IORING_REGISTER_USE_REGISTERED_RING (1u << 31)

struct ring_buffers { /* struct io_uring_rsrc_register */
	u32 count;
	u32 flags;
	u64 reserved;
	u64 parts;
	u64 tags;
};

#define NR_NONE ~0ULL

/* include/uapi/asm-generic/unistd.h: the same call's number on x86-64. */
static __always_inline u64 number_of_arm64(s32 number)
{
	switch (number) {
	case 63:
		return NR_READ;
	case 64:
		return NR_WRITE;
	case 65:
		return NR_READV;
	case 66:
		return NR_WRITEV;
	case 67:
		return NR_PREAD64;
	case 68:
		return NR_PWRITE64;
	case 69:
		return NR_PREADV;
	case 70:
		return NR_PWRITEV;
	case 75:
		return NR_VMSPLICE;
	case 98:
		return NR_FUTEX;
	case 196:
		return NR_SHMAT;
	case 214:
		return NR_BRK;
	case 215:
		return NR_MUNMAP;
	case 216:
		return NR_MREMAP;
	case 222:
		return NR_MMAP;
	case 226:
		return NR_MPROTECT;
	case 228:
		return NR_MLOCK;
	case 230:
		return NR_MLOCKALL;
	case 233:
		return NR_MADVISE;
	case 270:
		return NR_PROCESS_VM_READV;
	case 271:
		return NR_PROCESS_VM_WRITEV;
	case 284:
		return NR_MLOCK2;
	case 286:
		return NR_PREADV2;
	case 287:
		return NR_PWRITEV2;
	case 288:
		return NR_PKEY_MPROTECT;
	case 427:
		return NR_IO_URING_REGISTER;
	default:
		return NR_NONE;
	}
}

/* As this architecture has it. */
static __always_inline u64 own_number_of_call(struct pt_regs *regs)
{
	return IS_X86 ? FIELD(regs, orig_ax) : READ(struct pt_regs___of_arm64, regs, syscallno);
}

static __always_inline u64 call_number(struct pt_regs *regs)
{
	u64 number = own_number_of_call(regs);

	return IS_X86 ? number : number_of_arm64((s32)number);
}

/* An argument of the call, by its register on x86 and its index. */
#define ARGUMENT(regs_, x86, index) \
	(IS_X86 ? FIELD(regs_, x86) : READ(struct pt_regs___of_arm64, regs_, regs[index]))

/* Its numbers and arguments are others. */
static __always_inline bool is_call_of_32_bits(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.status))
		return FIELD(task, thread_info.status) & TS_COMPAT;
	return FIELD(task, thread_info.flags) & 1UL << TIF_32BIT;
}

/* What is populated, as far as the system call tells. ACCESS_UNKNOWN: as the mapping allows. */
struct populate_range {
	u64 start;
	u64 end;
	u32 access;
};

struct user_iovec {
	u64 base;
	u64 bytes;
};
/* More parts than these are not looked at. */
#define IOVECS_MAX 8

static __always_inline void set_range(struct populate_range *range, u64 start, u64 bytes,
				      u32 access)
{
	range->start = start;
	range->end = start + bytes;
	range->access = access;
}

/* From the first of the parts to the end of the last: where they lie in one mapping, that is it. */
VERIFIED_ONCE int set_range_of_parts(struct populate_range *range, u64 parts, u64 count, u32 access)
{
	u64 start = ~0ULL, end = 0;

	if (!range || !count || count > IOVECS_MAX)
		return 0;
	for (u32 i = 0; i < IOVECS_MAX; i++) {
		struct user_iovec part = {};

		if (i >= count)
			break;
		if (bpf_probe_read_user(&part, sizeof(part), (void *)(parts + i * sizeof(part))))
			return 0;
		if (!part.bytes)
			continue;
		if (part.base < start)
			start = part.base;
		if (part.base + part.bytes > end)
			end = part.base + part.bytes;
	}
	if (start < end)
		set_range(range, start, end - start, access);
	return 0;
}

/* The file was opened for direct I/O. Without that it is no buffer of the call's that is populated:
 * /proc/PID/mem. */
static __always_inline bool is_direct(struct task_struct *task, u64 fd)
{
	struct files_struct *files = FIELD(untrusted(task), files);
	struct fdtable *table = READ(struct files_struct, files, fdt);
	u64 file;

	if ((u32)fd >= READ(struct fdtable, table, max_fds))
		return false;
	file = read_word((u64)READ(struct fdtable, table, fd) + (u32)fd * sizeof(u64));
	return file &&
	       READ(struct file, file, f_flags) & (IS_X86 ? O_DIRECT_OF_X86 : O_DIRECT_OF_ARM64);
}

/* A part of the call's own memory is read from a file, or written to it. */
static __always_inline void range_of_transfer(struct populate_range *range, struct pt_regs *regs,
					      u64 number)
{
	u64 at = ARGUMENT(regs, si, 1), size = ARGUMENT(regs, dx, 2);

	switch (number) {
	case NR_READ:
	case NR_PREAD64:
		set_range(range, at, size, ACCESS_WRITE);
		return;
	case NR_WRITE:
	case NR_PWRITE64:
		set_range(range, at, size, ACCESS_READ);
		return;
	case NR_READV:
	case NR_PREADV:
	case NR_PREADV2:
		set_range_of_parts(range, at, size, ACCESS_WRITE);
		return;
	case NR_WRITEV:
	case NR_PWRITEV:
	case NR_PWRITEV2:
		set_range_of_parts(range, at, size, ACCESS_READ);
		return;
	}
}

/* Buffers that an io_uring is to use from now on. */
static __always_inline void range_of_buffers(struct populate_range *range, struct pt_regs *regs)
{
	struct ring_buffers buffers = {};
	u32 what = ARGUMENT(regs, si, 1) & ~IORING_REGISTER_USE_REGISTERED_RING;
	u64 at = ARGUMENT(regs, dx, 2);

	if (what == IORING_REGISTER_BUFFERS)
		set_range_of_parts(range, at, (u32)ARGUMENT(regs, r10, 3), ACCESS_WRITE);
	else if (what == IORING_REGISTER_BUFFERS2 &&
		 !bpf_probe_read_user(&buffers, sizeof(buffers), (void *)at))
		set_range_of_parts(range, buffers.parts, buffers.count, ACCESS_WRITE);
}

/* What comes to be mapped. `placed`: an address in it, if the kernel has chosen it. */
static __always_inline void range_of_new(struct populate_range *range, struct pt_regs *regs,
					 u64 number, u64 placed)
{
	u64 at = ARGUMENT(regs, di, 0), size = ARGUMENT(regs, si, 1),
	    new_size = ARGUMENT(regs, dx, 2);

	if (number == NR_MMAP && ARGUMENT(regs, r10, 3) & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		set_range(range, at, size, ACCESS_UNKNOWN);
	else if (number == NR_MREMAP && ARGUMENT(regs, r10, 3) & MREMAP_FIXED)
		set_range(range, ARGUMENT(regs, r8, 4), new_size, ACCESS_UNKNOWN);
	else if (placed)
		set_range(range, placed, 1, ACCESS_UNKNOWN);
	else if (number == NR_MMAP && at) /* as it was asked for */
		set_range(range, (at + 4095) & ~4095ULL, size, ACCESS_UNKNOWN);
	else if (number == NR_MMAP)
		return;
	else if (number == NR_SHMAT)
		set_range(range, size, 1, ACCESS_UNKNOWN);
	else if (new_size > size)
		set_range(range, at + size, new_size - size, ACCESS_UNKNOWN);
}

/* What the task's system call populates: an empty range if it does not tell. */
VERIFIED_ONCE int range_of_call(struct populate_range *range, u64 placed)
{
	struct task_struct *task = current_task();
	struct pt_regs *regs = user_registers(task);
	u64 number = call_number(regs), at = ARGUMENT(regs, di, 0), size = ARGUMENT(regs, si, 1);

	if (!range)
		return 0;
	set_range(range, 0, 0, ACCESS_UNKNOWN);
	switch (number) {
	case NR_MMAP:
	case NR_MREMAP:
	case NR_SHMAT:
		range_of_new(range, regs, number, placed);
		break;
	case NR_MLOCK:
	case NR_MLOCK2:
		set_range(range, at, size, ACCESS_UNKNOWN);
		break;
	case NR_MPROTECT: /* of locked memory that may be written to from now on */
	case NR_PKEY_MPROTECT:
		set_range(range, at, size, ACCESS_WRITE);
		break;
	case NR_MLOCKALL:
		set_range(range, 0, ~0ULL, ACCESS_UNKNOWN);
		break;
	case NR_BRK:
		set_range(range, at - 1, 1, ACCESS_UNKNOWN);
		break;
	case NR_MADVISE:
		if (ARGUMENT(regs, dx, 2) == MADV_POPULATE_READ)
			set_range(range, at, size, ACCESS_READ);
		else if (ARGUMENT(regs, dx, 2) == MADV_POPULATE_WRITE)
			set_range(range, at, size, ACCESS_WRITE);
		break;
	case NR_FUTEX:
		set_range(range, at, sizeof(u32), ACCESS_WRITE);
		break;
	case NR_VMSPLICE:
		set_range_of_parts(range, size, ARGUMENT(regs, dx, 2), ACCESS_READ);
		break;
	case NR_PROCESS_VM_READV:
		set_range_of_parts(range, ARGUMENT(regs, r10, 3), ARGUMENT(regs, r8, 4),
				   ACCESS_READ);
		break;
	case NR_PROCESS_VM_WRITEV:
		set_range_of_parts(range, ARGUMENT(regs, r10, 3), ARGUMENT(regs, r8, 4),
				   ACCESS_WRITE);
		break;
	case NR_IO_URING_REGISTER:
		range_of_buffers(range, regs);
		break;
	default:
		if (is_direct(task, at))
			range_of_transfer(range, regs, number);
	}
	return 0;
}

/* Tells system calls apart. Two that are alike in all of this may yet be placed differently. */
static __always_inline u64 call_print(struct task_struct *task)
{
	struct pt_regs *regs = user_registers(task);
	u64 print = mix(address_of(regs), own_number_of_call(regs));

	print = mix(mix(print, ARGUMENT(regs, di, 0)), ARGUMENT(regs, si, 1));
	return mix(mix(print, ARGUMENT(regs, dx, 2)), ARGUMENT(regs, r10, 3));
}
#endif /* OLD_KERNEL */

#endif
