// SPDX-License-Identifier: GPL-2.0-only
#include "sink/tally_records.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "model/kinds.h"
#include "model/stall_causes.h"
#include "sink/json_line.h"
#include "sink/verdict_lines.h"

/* The one list of numbers, in the order of the CSV's columns. */
static const struct {
	const char *name;
	size_t offset; /* of a uint64_t in struct tally */
} numbers[] = {
	{ "processes", offsetof(struct tally, n_processes) },
	{ "mappings", offsetof(struct tally, n_mappings) },
	{ "minor", offsetof(struct tally, counts.minor) },
	{ "major", offsetof(struct tally, counts.major) },
	{ "denied", offsetof(struct tally, counts.denied) },
	{ "gup", offsetof(struct tally, gup) },
	{ "stalls", offsetof(struct tally, stalls.count) },
	{ "stall_ns", offsetof(struct tally, stalls.sum_ns) },
	{ "stall_max_ns", offsetof(struct tally, stalls.max_ns) },
	{ "rss_bytes", offsetof(struct tally, rss_bytes) },
	{ "vsz_bytes", offsetof(struct tally, vsz_bytes) },
};

static uint64_t number_of(const struct tally *tally, size_t index)
{
	return *(const uint64_t *)((const char *)tally + numbers[index].offset);
}

/* How often the same memory was faulted in; 0 of what is no mapping's or process's. */
static uint64_t times_of(const struct tally_records_view *view, const struct tally *tally)
{
	return grouping_has_times(view->by) ? tally_times(tally, view->page_size) : 0;
}

/* CSV. ----------------------------------------------------------------------------------------- */

/* In quotation marks where it needs them; text_escape() has left no control character. */
static int put_text(const char *bytes, FILE *stream)
{
	autofree char *text = text_escape(bytes);

	if (!text)
		return -ENOMEM;
	if (!strpbrk(text, ",\"")) {
		fputs(text, stream);
		return 0;
	}
	fputc('"', stream);
	for (const char *next = text; *next; next++) {
		if (*next == '"')
			fputc('"', stream);
		fputc(*next, stream);
	}
	fputc('"', stream);
	return 0;
}

/* "demand_zero:651 cow:4". */
static void put_kinds(const struct tally *tally, FILE *stream)
{
	const char *gap = "";

	for (unsigned int kind = 0; kind < KIND_COUNT; kind++) {
		if (!tally->by_kind[kind])
			continue;
		fprintf(stream, "%s%s:%" PRIu64, gap, kind_name(kind), tally->by_kind[kind]);
		gap = " ";
	}
}

/* "disk:200000 cpu:4000", in nanoseconds. */
static void put_causes(const struct tally *tally, FILE *stream)
{
	const char *gap = "";

	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++) {
		if (!tally->by_cause[cause])
			continue;
		fprintf(stream, "%s%s:%" PRIu64, gap, stall_cause_name(cause),
			tally->by_cause[cause]);
		gap = " ";
	}
}

static int put_csv(const struct tally_records_view *view, const struct tally *tally,
		   const char *name, FILE *stream)
{
	bool is_row = view->by == BY_ROW && *tally->name;
	char ts[TEXT_TIME_LEN];

	fprintf(stream, "%s,%s,", text_time(ts, view->ts), grouping_words[view->by]);
	if (put_text(name, stream) < 0)
		return -ENOMEM;
	fprintf(stream, ",%" PRIu64 ",", tally->tgid);
	if (put_text(tally->comm, stream) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		fprintf(stream, ",%" PRIu64, number_of(tally, i));
	fprintf(stream, ",%" PRIu64 ",", tally->counts.pages * view->page_size);
	fprintf(stream, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRId64 ",",
		tally->ledger.copied * view->page_size, tally->ledger.brought * view->page_size,
		times_of(view, tally), tally->growth_bytes);
	put_kinds(tally, stream);
	fputc(',', stream);
	put_causes(tally, stream);
	if (is_row)
		fprintf(stream, ",%s,%s,%s,%" PRIx64 "\n", access_name(tally->access),
			mode_name(tally->mode), tally->perms, tally->map_start);
	else
		fputs(",,,,\n", stream);
	return 0;
}

int tally_records_csv(const struct tally_records_view *view, const struct tallies *tallies,
		      FILE *stream)
{
	int result = 0;

	if (view->has_titles) {
		fputs("ts,by,name,pid,comm", stream);
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			fprintf(stream, ",%s", numbers[i].name);
		fputs(",bytes,copied_bytes,brought_bytes,times,growth_bytes,kinds,causes_ns,access,mode,perms,map_start\n",
		      stream);
	}
	for (size_t i = 0; i < tallies->shown && !result; i++)
		result = put_csv(view, tallies->list[i], tallies->list[i]->name, stream);
	return tallies->n_rest && !result ? put_csv(view, &tallies->rest, "(rest)", stream) :
					    result;
}

/* JSON. ---------------------------------------------------------------------------------------- */

static void json_tally(struct json_line *line, const struct tally_records_view *view,
		       const struct tally *tally, const char *member)
{
	json_line_open(line, member, '{');
	if (!member) {
		json_line_text(line, "name", tally->name);
		if (tally->tgid) {
			json_line_int(line, "pid", (int64_t)tally->tgid);
			json_line_text(line, "comm", tally->comm);
		}
	}
	if (!member && view->by == BY_ROW) {
		json_line_text(line, "access", access_name(tally->access));
		json_line_text(line, "mode", mode_name(tally->mode));
		json_line_text(line, "perms", tally->perms);
		json_line_hex(line, "map_start", tally->map_start);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_line_int(line, numbers[i].name, (int64_t)number_of(tally, i));
	json_line_int(line, "bytes", (int64_t)(tally->counts.pages * view->page_size));
	json_line_int(line, "copied_bytes", (int64_t)(tally->ledger.copied * view->page_size));
	json_line_int(line, "brought_bytes", (int64_t)(tally->ledger.brought * view->page_size));
	json_line_int(line, "times", (int64_t)times_of(view, tally));
	json_line_int(line, "growth_bytes", tally->growth_bytes);
	json_line_open(line, "kinds", '{');
	for (unsigned int kind = 0; kind < KIND_COUNT; kind++)
		if (tally->by_kind[kind])
			json_line_int(line, kind_name(kind), (int64_t)tally->by_kind[kind]);
	json_line_close(line, '}');
	json_line_open(line, "causes_ns", '{');
	for (unsigned int cause = 0; cause < STALL_CAUSE_COUNT; cause++)
		if (tally->by_cause[cause])
			json_line_int(line, stall_cause_name(cause),
				      (int64_t)tally->by_cause[cause]);
	json_line_close(line, '}');
	json_line_close(line, '}');
}

/* As the lines of `finding` have them. */
static void json_findings(struct json_line *line, const struct tally_records_view *view)
{
	json_line_open(line, "findings", '[');
	for (size_t i = 0; i < view->n_findings; i++) {
		json_line_open(line, NULL, '{');
		verdict_lines_put_finding(line, &view->findings[i]);
		json_line_close(line, '}');
	}
	json_line_close(line, ']');
}

int tally_records_json(const struct tally_records_view *view, const struct tallies *tallies,
		       FILE *stream)
{
	struct json_line line = {};
	char ts[TEXT_TIME_LEN];
	bool is_whole;

	json_line_begin(&line);
	json_line_text(&line, "rec", "table");
	json_line_text(&line, "ts", text_time(ts, view->ts));
	json_line_real(&line, "seconds", (double)view->interval_ns / 1e9);
	json_line_text(&line, "by", grouping_words[view->by]);
	json_line_open(&line, "lines", '[');
	for (size_t i = 0; i < tallies->shown; i++)
		json_tally(&line, view, tallies->list[i], NULL);
	json_line_close(&line, ']');
	json_line_int(&line, "n_rest", (int64_t)tallies->n_rest);
	json_tally(&line, view, &tallies->rest, "rest");
	json_tally(&line, view, &tallies->total, "total");
	if (view->has_findings)
		json_findings(&line, view);
	is_whole = json_line_end(&line);
	if (is_whole) {
		fwrite(line.text, 1, line.length, stream);
		fputc('\n', stream);
	}
	json_line_free(&line);
	return is_whole ? 0 : -ENOMEM;
}
