// SPDX-License-Identifier: GPL-2.0-only
#include "sink/junit.h"

#include "base/text.h"

/* As the value of an attribute. XML has no way to write most control characters: they are escaped
 * as they are for a terminal. */
static void put_text(const char *bytes, FILE *stream)
{
	char shown[512];

	text_escape_to(shown, sizeof(shown), bytes);
	for (const char *at = shown; *at; at++)
		switch (*at) {
		case '&':
			fputs("&amp;", stream);
			break;
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		default:
			fputc(*at, stream);
		}
}

static void put_case(const struct budget_result *result, const char *command, FILE *stream)
{
	char text[1024];

	fputs("    <testcase classname=\"", stream);
	put_text(command, stream);
	fputs("\" name=\"", stream);
	put_text(result->text, stream);
	if (!result->is_broken) {
		fputs("\"/>\n", stream);
		return;
	}
	fputs("\">\n      <failure type=\"budget\" message=\"", stream);
	put_text(budget_describe(result, text, sizeof(text)), stream);
	fputs("\"/>\n    </testcase>\n", stream);
}

void junit_print(const struct budget *budget, const char *command, uint64_t wall_ns, FILE *stream)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"",
	      stream);
	put_text(command, stream);
	fprintf(stream, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"%.3f\">\n",
		budget_count(budget), budget_broken(budget), (double)wall_ns / 1e9);
	for (size_t i = 0; i < budget_count(budget); i++) {
		const struct budget_result result = budget_result(budget, i);

		put_case(&result, command, stream);
	}
	fputs("  </testsuite>\n</testsuites>\n", stream);
}
