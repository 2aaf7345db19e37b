// SPDX-License-Identifier: GPL-2.0-only
#include "sink/finding_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "sink/wrapped.h"

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
	char comm[4 * COMM_LEN], mapping[256], phase[256];

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
	if (finding->phase) {
		text_escape_to(phase, sizeof(phase), finding->phase);
		fprintf(stream, "; %.0f %% of it in phase %s", 100 * finding->phase_share, phase);
	}
	print_costs(finding, stream);
	fprintf(stream, "  do: %s\n", finding->advice);
}

int finding_text_print(const struct finding *findings, size_t count, unsigned int width,
		       FILE *stream)
{
	struct wrapped wrapped;

	if (!count)
		return 0;
	fputs("findings, see faultmap-findings(7):\n", stream);
	if (!wrapped_begin(&wrapped))
		for (size_t i = 0; i < count; i++)
			print_one(&findings[i], wrapped.lines);
	return wrapped_end(&wrapped, width, stream);
}

int finding_text_print_all(const struct finding *findings, size_t count, uint64_t wall_ns,
			   const char *detail, unsigned int width, FILE *stream)
{
	if (count)
		return finding_text_print(findings, count, width, stream);
	fprintf(stream, "no finding in %.3f s of --detail %s\n", (double)wall_ns / 1e9, detail);
	return 0;
}

char *finding_text_line(const struct finding *findings, size_t count, char *buffer, size_t size)
{
	size_t length = 0;

	*buffer = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct finding *finding = &findings[i];
		char comm[4 * COMM_LEN], cost[TEXT_DURATION_LEN + 4] = "", stall[TEXT_DURATION_LEN];
		char text[256];
		int added;

		text_escape_to(comm, sizeof(comm), finding->comm);
		if (finding->cost_ns)
			snprintf(cost, sizeof(cost), " (%s)",
				 text_duration(stall, finding->cost_ns));
		if (finding->pid)
			added = snprintf(text, sizeof(text), "%s%s %s[%" PRIu64 "]%s",
					 i ? ", " : "", finding->name, comm, finding->pid, cost);
		else
			added = snprintf(text, sizeof(text), "%s%s%s", i ? ", " : "", finding->name,
					 cost);
		if (added < 0 || length + (size_t)added >= size)
			break;
		memcpy(buffer + length, text, (size_t)added + 1);
		length += (size_t)added;
	}
	return buffer;
}
