/* SPDX-License-Identifier: GPL-2.0-only */
/* What worker processes and their keepers may do: nothing but their work, as the user that the
 * command itself becomes. */
#ifndef FAULTMAP_WORKER_RIGHTS_H
#define FAULTMAP_WORKER_RIGHTS_H

#include "cmd/privileges.h"
#include "cmd/sandbox.h"
#include "symbol/keeper.h"

struct worker_rights {
	const struct privileges_user *user;
	const struct option_list *disabled; /* features that --disable-feature names */
	enum sandbox sandbox;
};

/* For keeper_start(), which may be called while `rights` is there. Both processes become the user
 * and give up all capabilities; where that fails they end. Workers get the filter of system calls;
 * without one, if the kernel takes none. */
struct keeper_rights worker_rights(const struct worker_rights *rights);

#endif
