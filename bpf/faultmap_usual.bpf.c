// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The same programs for nearly every start: SWITCHES in abi.h are as usual, and constants. */
#define USUAL_ONLY 1
#include "faultmap.bpf.c"
