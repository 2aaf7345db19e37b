// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/guard_exposition.h"

#include "metrics/exposition.h"

void guard_exposition_write(FILE *stream, const char *name, const struct guard_totals *totals,
			    struct timespec since)
{
	const struct birth since_start = { .created = since };
	struct writer writer = { .stream = stream };
	const struct {
		const char *severity;
		uint64_t count;
	} faults[] = { { "minor", totals->minor },
		       { "major", totals->major },
		       { "denied", totals->denied } };
	char guard[LABEL_LEN];

	label_text(guard, name);
	exposition_family(&writer, METRIC_GUARD_FAULTS);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		exposition_counter(&writer, METRIC_GUARD_FAULTS,
				   LABELS({ "guard", guard }, { "severity", faults[i].severity }),
				   faults[i].count, since_start);
	exposition_family(&writer, METRIC_GUARD_GUP);
	exposition_counter(&writer, METRIC_GUARD_GUP, LABELS({ "guard", guard }), totals->gup,
			   since_start);
	exposition_family(&writer, METRIC_GUARD_LOST);
	exposition_counter(&writer, METRIC_GUARD_LOST, LABELS({ "guard", guard }), totals->lost,
			   since_start);
}
