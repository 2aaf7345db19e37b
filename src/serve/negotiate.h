/* SPDX-License-Identifier: GPL-2.0-only */
/* Content negotiation (RFC 9110, section 12): what the Accept headers of a request choose. */
#ifndef FAULTMAP_NEGOTIATE_H
#define FAULTMAP_NEGOTIATE_H

#include <stddef.h>

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_NONE /* neither is accepted */ };

/*
 * The index of the media type that `accept` prefers (NULL: no such header, the first one), the
 * first of equals; -1 when it accepts none. A range's `version` must be the type's where both have
 * one; other parameters are ignored, since scrapers send some of their own.
 */
int negotiate_type(const char *accept, const char *const types[], size_t n_types);
/* What `accept_encoding` (NULL: no such header) prefers, gzip among equals. */
enum coding negotiate_coding(const char *accept_encoding);

#endif
