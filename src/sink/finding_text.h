/* SPDX-License-Identifier: GPL-2.0-only */
/* Findings as a paragraph for people. */
#ifndef FAULTMAP_FINDING_TEXT_H
#define FAULTMAP_FINDING_TEXT_H

#include <stdio.h>

#include "verdict/findings.h"

/* Nothing where there is none, in lines of so many columns (0: as wide as they are). Write errors
 * stay in the stream. 0 or -ENOMEM. */
int finding_text_print(const struct finding *findings, size_t count, unsigned int width,
		       FILE *stream);

/* All of them in one line, without a newline: "again python3[123], cow-storm redis[5] (1.2s)".
 * Escaped; what does not fit is left out. "" where there is none. Returns buffer. */
char *finding_text_line(const struct finding *findings, size_t count, char *buffer, size_t size);
/* All findings; or a line that says there was none, in how much time and with which detail. As
 * finding_text_print(). */
int finding_text_print_all(const struct finding *findings, size_t count, uint64_t wall_ns,
			   const char *detail, unsigned int width, FILE *stream);

#endif
