// SPDX-License-Identifier: GPL-2.0-only
#include "base/huge_pages.h"

#include <stdbool.h>
#include <sys/prctl.h>

static bool refuses; /* and did not before */

void huge_pages_refuse(void)
{
	/* 0: they are allowed. Anything else is somebody's own choice. */
	if (!refuses && !prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0))
		refuses = !prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

void huge_pages_restore(void)
{
	if (refuses && !prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0))
		refuses = false;
}
