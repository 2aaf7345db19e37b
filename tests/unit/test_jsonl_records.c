// SPDX-License-Identifier: GPL-2.0-only
/* Every field of every record, missing and of every wrong type: the line is reported and left out, and every sink of
 * `report` draws the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/util.h"
#include "model/totals.h"
#include "replay/jsonl_reader.h"
#include "sink/profile_output.h"
#include "sink/sink_summary.h"
#include "sink/sink_table.h"

#define TS "'ts':'2026-11-22T10:00:00.000Z'"
#define PROCESS "'pid':7,'start_ns':70,'comm':'c'"
#define COUNTS                                                                             \
	"'minor':5,'minor_total':5,'major':0,'major_total':0,'denied':0,'denied_total':0," \
	"'pages':5,'pages_total':5"
#define ROW                                                                         \
	"'mapping':'m','mapping_id':'0x1','map_start':'0x1000','map_end':'0x9000'," \
	"'map_offset':0,'perms':'r--p','kind':'cow','access':'write','mode':'user'"
#define BUCKETS "[5,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
#define TIME "{'count':5,'count_total':5,'sum_ns':9,'sum_ns_total':9,'max_ns':3"
#define FRAME(offset) "{'file':'/bin/p','offset':'" offset "'}"
#define TOTAL(name) ",'" name "':1,'" name "_total':1"

/* Lists of paths, with a blank around each: what may be missing, and what nobody reads. A field of the
 * second kind stands for all below it. */
struct record_case {
	const char *line;
	const char *optional;
	const char *unread;
};

#define INTERVAL 6
static const struct record_case records[] = {
	{ "{'rec':'faults'," TS "," PROCESS ",'tid':8,'thread':'t','context':'0x5','code':" FRAME(
		  "0x10") ",'stack':'0x77'," ROW
			  ",'slice_start':'0x1000','slice_end':'0x2000'," COUNTS ",'latency':" TIME
			  ",'buckets':" BUCKETS "},'stall':{'cpu':" TIME
			  "}},'refaults':1,'refaults_total':1}",
	  " tid context code code.offset stack slice_start latency stall stall.cpu refaults ",
	  " " },
	{ "{'rec':'stack'," TS ",'stack':'0x78','frames':[{'file':'/bin/q','offset':'0x10',"
	  "'build_id':'0a1b'}," FRAME(
		  "0x20") ",{'file':'[anon]','address':'0x7000'}],'kernel':['f [m]'],'whole':true}",
	  " frames[].offset frames[].build_id kernel whole ", " whole " },
	{ "{'rec':'stall_stack'," TS ",'kernel':['f','g [m]'],'count':1,'count_total':1,'sum_ns':9,"
	  "'sum_ns_total':9,'max_ns':9}",
	  " ", " " },
	{ "{'rec':'stack_sample'," TS ",'pid':7,'start_ns':70,'mapping':'m','stack':'0x77',"
	  "'row_stack':'0x77'}",
	  " row_stack ", " " },
	{ "{'rec':'process'," TS "," PROCESS ",'ppid':1,'uid':0,'cgroup':'/','vsz_bytes':1,"
	  "'rss_bytes':1,'minor':5,'minor_total':5,'major':0,'major_total':0,'gup':0,"
	  "'gup_total':0}",
	  " ", " " },
	{ "{'rec':'exit'," TS "," PROCESS ",'ppid':1,'uid':0,'cgroup':'/','exit_status':0,"
	  "'seconds':1,'peak_vsz_bytes':1,'peak_rss_bytes':1,'minor_total':5,'major_total':0,"
	  "'gup_total':0}",
	  " ", " exit_status " },
	{ "{'rec':'interval'," TS
	  ",'seconds':1" TOTAL("entries") TOTAL("minor") TOTAL("major") TOTAL("denied") TOTAL(
		  "aborted") TOTAL("gup") TOTAL("lost_completions") TOTAL("map_full")
		  TOTAL("folded") TOTAL("late") TOTAL("latencies_lost") TOTAL("not_followed") TOTAL(
			  "unresolved") TOTAL("names_lost") TOTAL("names_cut") TOTAL("contexts_lost")
			  TOTAL("stacks_incomplete") TOTAL("stacks_sampled") TOTAL(
				  "stacks_lost") TOTAL("cgroups_lost") TOTAL("exits_lost")
				  TOTAL("stamps_lost") TOTAL("perf_minor") TOTAL("missed") TOTAL(
					  "perf_major") ",'in_flight':0"
							",'lines_lost':0,'lines_lost_total':0}",
	  " ", " in_flight lines_lost_total " },
	{ "{'rec':'meta','v':1,'faultmap':'0.1.0','since':'x','host':'h','kernel':'k',"
	  "'page_size':4096,'detail':'full','hooks':['a'],'interval_seconds':1,'lines_lost':0,"
	  "'lines_lost_total':0}",
	  " ", " faultmap hooks interval_seconds lines_lost_total " },
	{ "{'rec':'run','command':['a','b'],'exit_status':139,'signal':11,'core_dumped':true,"
	  "'seconds':1,'processes':1,'minor_total':1,'major_total':1,'lines_lost':0,"
	  "'lines_lost_total':0}",
	  " signal core_dumped ",
	  " core_dumped processes minor_total major_total lines_lost lines_lost_total " },
	{ "{'rec':'mark'," TS ",'mark':'steady'}", " ", " " },
	{ "{'rec':'budget'," TS "}", " ", " " },
	{ "{'rec':'finding'," TS "}", " ", " " },
};

/* What is put in a field's place; NULL: it is taken away. */
static const char *const damages[] = {
	NULL,
	"null",
	"true",
	"false",
	"-1",
	"0",
	"1.5",
	"1e300",
	"9223372036854775807",
	"\"\"",
	"\"x\"",
	"\"0x\"",
	"\"0xffffffffffffffffff\"",
	"\"\\\\x\"",
	"\"\\u0000\"",
	"[]",
	"{}",
	"[null]",
	"[[[]]]",
	"{\"file\":null}",
	"[{\"file\":{},\"offset\":\"0x1\"}]",
};

static struct state {
	char path[64];
	FILE *nowhere;
	struct sink_summary *summary;
	struct sink_table *table;
	struct sink_profile *profile;
	bool has_code;
	unsigned int n_complaints, n_cases;
	uint64_t complaint_line;
	char complaint[512];
} state;

static int take_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	(void)context;
	assert_int_equal(sink_summary_tick(state.summary, snapshot, error), 0);
	assert_int_equal(sink_table_tick(state.table, snapshot, error), 0);
	assert_int_equal(sink_profile_tick(state.profile, snapshot, error), 0);
	return 0;
}

static int take_run(void *context, const char *const *command, int wait_status, uint64_t wall_ns,
		    struct error *error)
{
	const struct sink_summary_run run = { .command = command,
					      .wait_status = wait_status,
					      .wall_ns = wall_ns };

	(void)context;
	(void)error;
	return sink_summary_print_run(&run, state.nowhere);
}

static int take_mark(void *context, const char *phase, struct error *error)
{
	(void)context;
	(void)error;
	assert_string_equal(phase, "steady");
	return 0;
}

static void take_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	(void)context;
	(void)path;
	assert_true(*why && !strchr(why, '\n'));
	state.n_complaints++;
	state.complaint_line = line;
	snprintf(state.complaint, sizeof(state.complaint), "%s", why);
}

static void draw_all(void)
{
	const struct profile_table_options table = { .rows = 0 };

	assert_int_equal(sink_summary_print(state.summary, NULL, state.nowhere), 0);
	if (!state.has_code)
		return;
	assert_true(sink_profile_name_places(state.profile) >= 0);
	assert_int_equal(profile_table_print(state.profile, &table, state.nowhere), 0);
	assert_int_equal(profile_folded_print(state.profile, WEIGHT_FAULTS, state.nowhere), 0);
	assert_int_equal(profile_flame_print(state.profile, WEIGHT_STALL, state.nowhere), 0);
	assert_int_equal(profile_pprof_write(state.profile, WEIGHT_FAULTS, 4096, 0, state.nowhere),
			 0);
}

/* What the sinks have of the log: its minor faults. */
static uint64_t read_and_draw(void)
{
	const struct jsonl_reader_options options = { .from_ms = INT64_MIN,
						      .to_ms = INT64_MAX,
						      .on_interval = take_interval,
						      .on_run = take_run,
						      .on_mark = take_mark,
						      .on_complaint = take_complaint };
	struct jsonl_reader *reader = jsonl_reader_new(&options);
	struct error error = { "" };
	uint64_t minor;

	state.n_complaints = 0;
	state.complaint[0] = '\0';
	state.summary = sink_summary_new(&(struct sink_summary_options){
		.page_size = 4096, .by = BY_ROW, .show_all = true });
	state.table = sink_table_new(
		&(struct sink_table_options){ .by = BY_ROW, .rows = 10, .stream = state.nowhere });
	state.profile = sink_profile_new(&(struct sink_profile_options){ .kind = -1 });
	if (jsonl_reader_file(reader, state.path, &error) < 0 ||
	    jsonl_reader_end(reader, &error) < 0)
		fail_msg("%s", error.text);
	draw_all();
	minor = sink_summary_totals(state.summary).minor;
	sink_summary_free(state.summary);
	sink_table_free(state.table);
	sink_profile_free(state.profile);
	jsonl_reader_free(reader);
	return minor;
}

/* The line, between a stack that it may name and a row of another process. */
static uint64_t read_line(const char *line)
{
	static const char before[] = "{'rec':'stack'," TS ",'stack':'0x77','frames':[" FRAME(
		"0x10") "," FRAME("0x20") "]}\n";
	static const char after[] =
		"{'rec':'faults'," TS
		",'pid':9,'start_ns':1,'comm':'c','context':'0x6','code':" FRAME(
			"0x10") ",'stack':'0x77'," ROW "," COUNTS "}\n";
	FILE *file = fopen(state.path, "w");

	/* Drawing code takes time: only where the line may change it. */
	state.has_code = strstr(line, "\"stack\"") || strstr(line, "\"stack_sample\"");
	for (const char *byte = before; *byte; byte++)
		fputc(*byte == '\'' ? '"' : *byte, file);
	fprintf(file, "%s\n", line);
	for (const char *byte = after; *byte; byte++)
		fputc(*byte == '\'' ? '"' : *byte, file);
	fclose(file);
	return read_and_draw();
}

static bool is_listed(const char *list, const char *path)
{
	char word[256];

	snprintf(word, sizeof(word), " %s ", path);
	return strstr(list, word) != NULL;
}

/* Itself, or what it is in. */
static bool is_unread(const struct record_case *record, const char *path)
{
	char part[200];

	for (size_t length = strlen(path); length; length--) {
		if (path[length] && !strchr(".[", path[length]))
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)length, path);
		if (is_listed(record->unread, part))
			return true;
	}
	return false;
}

/* Totals that are not counted everywhere, or not in the logs of older versions. */
static bool is_optional(const struct record_case *record, const char *path)
{
	for (size_t i = 0; i < totals_count; i++)
		if (record == &records[INTERVAL] && !strcmp(totals_table[i].name, path))
			return totals_table[i].is_late || totals_table[i].has_offset;
	return is_listed(record->optional, path);
}

static bool is_same_type(const json_t *one, const json_t *other)
{
	return json_typeof(one) == json_typeof(other) ||
	       (json_is_number(one) && json_is_number(other)) ||
	       (json_is_boolean(one) && json_is_boolean(other));
}

/* value: what the field had; damage: what it has now, NULL if it is missing. */
static void check_case(const struct record_case *record, const char *path, const json_t *root,
		       const json_t *value, const json_t *damage, const char *text)
{
	char *line = json_dumps(root, JSON_COMPACT);
	uint64_t minor = read_line(line);
	bool must_be_told = damage ? !is_same_type(value, damage) :
				     path[strlen(path) - 1] != ']' && !is_optional(record, path);

	state.n_cases++;
	if (must_be_told && !is_unread(record, path) &&
	    (state.n_complaints != 1 || state.complaint_line != 2))
		fail_msg("%s = %s: %u complaints: %s", path, text ?: "(missing)",
			 state.n_complaints, line);
	if (state.n_complaints && minor != 5 && !strstr(state.complaint, "are left out"))
		fail_msg("%s = %s counts: %s", path, text ?: "(missing)", line);
	free(line);
}

/* A member of an object, or an element of an array. */
struct field {
	json_t *holder;
	const char *key; /* NULL: an element */
	size_t at;
};

static json_t *get_field(const struct field *field)
{
	return json_incref(field->key ? json_object_get(field->holder, field->key) :
					json_array_get(field->holder, field->at));
}

/* NULL takes it away. */
static void set_field(const struct field *field, json_t *value)
{
	if (field->key && value)
		json_object_set(field->holder, field->key, value);
	else if (field->key)
		json_object_del(field->holder, field->key);
	else if (value)
		json_array_set(field->holder, field->at, value);
	else
		json_array_remove(field->holder, field->at);
}

static void damage_value(const struct record_case *record, json_t *root, json_t *value,
			 const char *path);

static void damage_field(const struct record_case *record, json_t *root, const struct field *field,
			 const char *path)
{
	json_t *value = get_field(field);

	damage_value(record, root, value, path);
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const char *text = damages[i];
		json_t *damage = text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) :
					NULL;

		assert_true(!text == !damage);
		set_field(field, damage);
		check_case(record, path, root, value, damage, text);
		if (!damage && !field->key)
			json_array_insert(field->holder, field->at, value);
		else
			set_field(field, value);
		json_decref(damage);
	}
	json_decref(value);
}

/* All that is in it; of an array of numbers the first and the last. */
static void damage_value(const struct record_case *record, json_t *root, json_t *value,
			 const char *path)
{
	json_t *keys = json_is_object(value) ? json_copy(value) : NULL;
	char inner[200];
	const char *key;
	json_t *unused;

	json_object_foreach(keys, key, unused)
	{
		snprintf(inner, sizeof(inner), "%s%s%s", path, *path ? "." : "", key);
		damage_field(record, root, &(struct field){ .holder = value, .key = key }, inner);
	}
	json_decref(keys);
	snprintf(inner, sizeof(inner), "%s[]", path);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_number(json_array_get(value, 0)) || !i ||
		    i + 1 == json_array_size(value))
			damage_field(record, root, &(struct field){ .holder = value, .at = i },
				     inner);
}

static void every_field_may_be_damaged(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		char *text = strdup(records[i].line);
		json_t *root;

		for (char *at = text; (at = strchr(at, '\''));)
			*at = '"';
		root = json_loads(text, 0, NULL);
		assert_non_null(root);
		read_line(text);
		if (state.n_complaints)
			fail_msg("%s: %s", state.complaint, text);
		damage_value(&records[i], root, root, "");
		json_decref(root);
		free(text);
	}
	print_message("%u lines\n", state.n_cases);
}

static bool is_of(const struct record_case *record, const char *rec)
{
	char begin[64];

	snprintf(begin, sizeof(begin), "{'rec':'%s',", rec);
	return !strncmp(record->line, begin, strlen(begin));
}

/* Of the right type, and yet no such thing: the line is told and counts for nothing. */
static void what_is_out_of_range_is_told(void **unused)
{
	static const struct {
		const char *rec, *from, *to;
	} cases[] = {
		{ "faults", "'pid':7", "'pid':4294967296" },
		{ "faults", "'tid':8", "'tid':4294967296" },
		{ "faults", "'comm':'c'", "'comm':'0123456789abcdef'" },
		{ "faults", "'thread':'t'", "'thread':'0123456789abcdef'" },
		{ "faults", "'mapping_id':'0x1'", "'mapping_id':'0x'" },
		{ "faults", "'mapping_id':'0x1'", "'mapping_id':'0x1g'" },
		{ "faults", "'mapping_id':'0x1'", "'mapping_id':'11'" },
		{ "faults", "'perms':'r--p'", "'perms':'r--pp'" },
		{ "faults", "'kind':'cow'", "'kind':'cows'" },
		{ "faults", "'buckets':[5,", "'buckets':[" },
		{ "faults", "'buckets':[5,", "'buckets':[5,0," },
		{ "stack", "'build_id':'0a1b'", "'build_id':'0A1B'" },
		{ "stack", "'kernel':['f [m]']", "'kernel':['']" },
		{ "stack", "'kernel':['f [m]']", "'kernel':[7]" },
		{ "stack_sample", "'pid':7", "'pid':4294967296" },
		{ "exit", "'seconds':1", "'seconds':1000000001" },
		{ "exit", "'seconds':1", "'seconds':-1" },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *line = NULL, *at;
		char text[4096];
		uint64_t minor;

		for (size_t j = 0; j < ARRAY_SIZE(records) && !line; j++)
			line = is_of(&records[j], cases[i].rec) ? records[j].line : NULL;
		at = line ? strstr(line, cases[i].from) : NULL;
		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - line), line, cases[i].to,
			 at + strlen(cases[i].from));
		for (char *quote = text; (quote = strchr(quote, '\''));)
			*quote = '"';
		minor = read_line(text);
		if (state.n_complaints != 1 || state.complaint_line != 2 || minor != 5)
			fail_msg("%s: %u complaints: %s", cases[i].to, state.n_complaints, text);
	}
}

static int set_up(void **unused)
{
	(void)unused;
	strcpy(state.path, "/tmp/faultmap-records-XXXXXX");
	close(mkstemp(state.path));
	state.nowhere = fopen("/dev/null", "we");
	return !state.nowhere;
}

static int tear_down(void **unused)
{
	(void)unused;
	unlink(state.path);
	fclose(state.nowhere);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_field_may_be_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_out_of_range_is_told, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("jsonl_records", tests, NULL, NULL);
}
