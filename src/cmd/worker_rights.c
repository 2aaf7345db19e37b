// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/worker_rights.h"

static int drop(const void *context)
{
	const struct worker_rights *rights = context;
	struct error error;
	int result = privileges_suspend(rights->user, &error);

	return result ? result : privileges_drop(0, &error);
}

static void filter(const void *context)
{
	const struct worker_rights *rights = context;

	sandbox_enter(rights->sandbox, rights->disabled);
}

struct keeper_rights worker_rights(const struct worker_rights *rights)
{
	return (struct keeper_rights){ drop, filter, rights };
}
