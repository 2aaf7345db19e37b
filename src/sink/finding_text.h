/* SPDX-License-Identifier: GPL-2.0-only */
/* Findings as a paragraph for people. */
#ifndef FAULTMAP_FINDING_TEXT_H
#define FAULTMAP_FINDING_TEXT_H

#include <stdio.h>

#include "verdict/findings.h"

/* Nothing where there is none. Write errors stay in the stream. */
void finding_text_print(const struct finding *findings, size_t count, FILE *stream);

/* The same, or that there is none in so much time of this detail. */
void finding_text_print_all(const struct finding *findings, size_t count, uint64_t wall_ns,
			    const char *detail, FILE *stream);

#endif
