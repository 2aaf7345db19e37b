/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for groups that no cgroup or file has: the file of `daemon --group-rules`. A line is
 *
 *   FIELD REGEX => NAME
 *
 * FIELD is comm, exe, cmdline, unit or cgroup. REGEX is POSIX extended, and matches the whole text,
 * as in Prometheus' relabeling. NAME may have $1 to $9, what is in parentheses, $0, all of the text,
 * and $$. The first line that matches wins. Empty lines and those that begin with # are comments.
 *
 * The texts are other people's: each is matched in one pass, in time that grows with its length
 * alone, and what a regex remembers of texts is forgotten now and then. So there are neither
 * back-references nor large repetitions.
 */
#ifndef FAULTMAP_GROUP_RULES_H
#define FAULTMAP_GROUP_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* More is a mistake: each new process is held against all of them. */
#define GROUP_RULES_MAX 128
/* Bytes of a text that a rule sees, and its NUL. */
#define RULE_TEXT_LEN 1024

enum rule_field { RULE_COMM, RULE_EXE, RULE_CMDLINE, RULE_UNIT, RULE_CGROUP, RULE_FIELD_COUNT };

struct group_rules;

/* The rules of the file. 0; -EINVAL with the error naming file, line and reason; or another negative
 * errno where it cannot be read. Free with group_rules_free(). */
int group_rules_read(struct group_rules **ret_rules, const char *path, struct error *error);
/* NULL is fine. */
void group_rules_free(struct group_rules *rules);
/* A rule looks at it. NULL has no rules. */
bool group_rules_use(const struct group_rules *rules, enum rule_field field);

/* The text of a field, raw bytes, written to `buffer` or borrowed; NULL where it is not known. */
typedef const char *(*rule_text_fn)(void *context, enum rule_field field,
				    char buffer[RULE_TEXT_LEN]);
/* Writes the name that the first rule gives which matches, raw bytes, cut at `size`; false where
 * none does, and `name` is as it was. Each field's text is asked for once at most. NULL rules: none
 * matches. Not for two threads at once. */
bool group_rules_match(struct group_rules *rules, rule_text_fn text_of, void *context, char *name,
		       size_t size);

#endif
