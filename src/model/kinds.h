/* SPDX-License-Identifier: GPL-2.0-only */
/* The words for the enums of bpf/abi.h, as they stand in every label, column and JSON value. */
#ifndef FAULTMAP_KINDS_H
#define FAULTMAP_KINDS_H

#include "bpf/abi.h"

/* The name ("demand_zero", "write", "user"). "unknown" for a value outside the enum. Static. */
const char *kind_name(enum fault_kind kind);
const char *access_name(enum fault_access access);
const char *mode_name(enum fault_mode mode);

#endif
