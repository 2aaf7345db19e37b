/* SPDX-License-Identifier: GPL-2.0-only */
/* Budgets as a JUnit report, which GitHub, GitLab and Jenkins show: a test case for each term. */
#ifndef FAULTMAP_JUNIT_H
#define FAULTMAP_JUNIT_H

#include <stdio.h>

#include "verdict/budget.h"

/* command: raw bytes, the name of the suite. Write errors stay in the stream. */
void junit_print(const struct budget *budget, const char *command, uint64_t wall_ns, FILE *stream);

#endif
