// SPDX-License-Identifier: GPL-2.0-only
#include "sink/finding_text.h"

#include <inttypes.h>

#include "base/text.h"

static void print_costs(const struct finding *finding, FILE *stream)
{
	char stall[TEXT_DURATION_LEN], bytes[TEXT_SIZE_LEN];

	if (finding->cost_ns)
		fprintf(stream, "; cost %s of stall", text_duration(stall, finding->cost_ns));
	if (finding->cost_bytes)
		fprintf(stream, "%s %s", finding->cost_ns ? "," : "; cost",
			text_bytes(bytes, finding->cost_bytes));
	fputc('\n', stream);
}

static void print_one(const struct finding *finding, FILE *stream)
{
	char comm[4 * COMM_LEN], mapping[256];

	text_escape_to(comm, sizeof(comm), finding->comm);
	fprintf(stream, "%s (%s): ", finding->name, finding->sure);
	if (finding->pid)
		fprintf(stream, "%s[%" PRIu64 "]", comm, finding->pid);
	else
		fputs("all processes", stream);
	if (finding->mapping) {
		text_escape_to(mapping, sizeof(mapping), finding->mapping);
		fprintf(stream, ", %s", mapping);
	}
	fprintf(stream, ": %s", finding->seen);
	print_costs(finding, stream);
	fprintf(stream, "  do: %s\n", finding->advice);
}

void finding_text_print(const struct finding *findings, size_t count, FILE *stream)
{
	if (count)
		fputs("findings, see faultmap-findings(7):\n", stream);
	for (size_t i = 0; i < count; i++)
		print_one(&findings[i], stream);
}

void finding_text_print_all(const struct finding *findings, size_t count, uint64_t wall_ns,
			    const char *detail, FILE *stream)
{
	if (count)
		finding_text_print(findings, count, stream);
	else
		fprintf(stream, "no finding in %.3f s of --detail %s\n", (double)wall_ns / 1e9,
			detail);
}
