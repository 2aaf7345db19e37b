// SPDX-License-Identifier: GPL-2.0-only
#include "base/interned.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

const char *interned_find(const struct interned *set, const char *text)
{
	char **found = tfind(text, &set->tree, compare_texts);

	return found ? *found : NULL;
}

const char *interned_add(struct interned *set, const char *text)
{
	const char *found = interned_find(set, text);
	autofree char *copy = NULL;

	if (found)
		return found;
	copy = strdup(text);
	if (!copy || !tsearch(copy, &set->tree, compare_texts))
		return NULL;
	return TAKE_PTR(copy);
}

void interned_clear(struct interned *set)
{
	tdestroy(set->tree, free);
	set->tree = NULL;
}
