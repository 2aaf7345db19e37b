// SPDX-License-Identifier: GPL-2.0-only
#ifndef UNIT_RANGE_H
#define UNIT_RANGE_H

/* After cmocka.h. cmocka 2 calls its own assert_in_range() deprecated, and cmocka 1 has no other. */
#ifdef assert_uint_in_range
#undef assert_in_range
#define assert_in_range assert_uint_in_range
#endif

#endif
