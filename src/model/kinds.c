// SPDX-License-Identifier: GPL-2.0-only
#include "model/kinds.h"

static const char *const kind_names[KIND_COUNT] = {
	[KIND_UNKNOWN] = "unknown",
	[KIND_DEMAND_ZERO] = "demand_zero",
	[KIND_HUGE_ZERO] = "huge_zero",
	[KIND_COW] = "cow",
	[KIND_FILE_MAP] = "file_map",
	[KIND_FILE_COW] = "file_cow",
	[KIND_MKWRITE] = "mkwrite",
	[KIND_SHMEM] = "shmem",
	[KIND_SWAP_IN] = "swap_in",
	[KIND_HUGETLB] = "hugetlb",
	[KIND_NUMA_HINT] = "numa_hint",
	[KIND_USERFAULTFD] = "userfaultfd",
	[KIND_STACK_GROWTH] = "stack_growth",
	[KIND_WP_OTHER] = "wp_other",
	[KIND_DEVICE] = "device",
	[KIND_POPULATE] = "populate",
	[KIND_DENIED_UNMAPPED] = "denied_unmapped",
	[KIND_DENIED_ACCESS] = "denied_access",
	[KIND_DENIED_PKEY] = "denied_pkey",
	[KIND_DENIED_BUS] = "denied_bus",
};

static const char *const access_names[ACCESS_COUNT] = {
	[ACCESS_UNKNOWN] = "unknown",
	[ACCESS_READ] = "read",
	[ACCESS_WRITE] = "write",
	[ACCESS_EXEC] = "exec",
};

static const char *const mode_names[MODE_COUNT] = {
	[MODE_USER] = "user",
	[MODE_KERNEL] = "kernel",
};

static const char *name_of(const char *const *names, unsigned int count, unsigned int value)
{
	return value < count && names[value] ? names[value] : "unknown";
}

const char *kind_name(enum fault_kind kind)
{
	return name_of(kind_names, KIND_COUNT, kind);
}

const char *access_name(enum fault_access access)
{
	return name_of(access_names, ACCESS_COUNT, access);
}

const char *mode_name(enum fault_mode mode)
{
	return name_of(mode_names, MODE_COUNT, mode);
}
