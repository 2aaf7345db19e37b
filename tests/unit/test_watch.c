// SPDX-License-Identifier: GPL-2.0-only
/* The flags that all commands share, as they reach the collector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "cmd/watch.h"

struct config {
	struct common_options common;
	struct watch_options watch;
};

static const struct option_spec options[] = {
	WATCH_OPTIONS(struct config, watch, "fast"),
	COMMON_OPTIONS(struct config, common),
};

static const struct command_spec command = { .name = "watch",
					     .options = options,
					     .n_options = ARRAY_SIZE(options) };

static struct collector_options parse(struct config *config, char *argument)
{
	char *argv[] = { "watch", argument, NULL };
	struct error error;
	int operand;

	assert_int_equal(options_parse(&command, config, argument ? 2 : 1, argv, &operand, &error),
			 0);
	return watch_collector(&config->watch, &config->common);
}

static void detail_is_as_said(void **state)
{
	struct config config = { .watch.detail = DETAIL_FULL };

	(void)state;
	assert_int_equal(parse(&config, NULL).detail, DETAIL_FULL);
	assert_int_equal(parse(&config, "--detail=fast").detail, DETAIL_FAST);
	assert_int_equal(parse(&config, "--detail=full").detail, DETAIL_FULL);
	assert_string_equal(watch_details[DETAIL_FAST], "fast");
	assert_string_equal(watch_details[DETAIL_FULL], "full");
}

static void slices_are_off_unless_asked_for(void **state)
{
	struct config config = {};

	(void)state;
	assert_int_equal(parse(&config, NULL).slice_bytes, 0);
	assert_int_equal(parse(&config, "--slice=2M").slice_bytes, 2 << 20);
	assert_int_equal(parse(&config, "--slice=4K").slices_max, 0); /* the default */
}

static void what_is_for_tests_arrives_too(void **state)
{
	struct config config = {};
	struct collector_options asked = parse(&config, "--max-rows=64");

	(void)state;
	assert_int_equal(asked.max_rows, 64);
	asked = parse(&config, "--disable-feature=btf");
	assert_int_equal(asked.disabled->count, 1);
	assert_string_equal(asked.disabled->values[0], "btf");
	assert_false(asked.follow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detail_is_as_said),
		cmocka_unit_test(slices_are_off_unless_asked_for),
		cmocka_unit_test(what_is_for_tests_arrives_too),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
