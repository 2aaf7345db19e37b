// SPDX-License-Identifier: GPL-2.0-only
/* What is refused and why: no privilege needed, nothing here depends on what the machine has. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collect/features.h"
#include "collect/policy.h"

/* A machine that has everything but one feature. */
static struct feature_set all_but(enum feature missing)
{
	struct feature_set features = {};

	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++)
		features.state[feature].available = feature != missing;
	if (missing < FEATURE_COUNT)
		strcpy(features.state[missing].why, "the test took it away");
	return features;
}

static void every_feature_says_what_it_is(void **state)
{
	(void)state;
	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
		const struct feature_info *info = feature_info(feature);

		assert_non_null(info->name);
		assert_non_null(info->gives);
		assert_non_null(info->lost);
		assert_true(!info->required || info->remedy);
		for (enum feature other = 0; other < feature; other++)
			assert_string_not_equal(info->name, feature_info(other)->name);
	}
}

static void machine_with_everything_is_accepted(void **state)
{
	struct feature_set features = all_but(FEATURE_COUNT);
	struct error error;

	(void)state;
	assert_int_equal(features_require(&features, false, &error), 0);
}

static void missing_feature_is_refused_if_required(void **state)
{
	(void)state;
	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
		struct feature_set features = all_but(feature);
		const struct feature_info *info = feature_info(feature);
		struct error error = {};
		int result = features_require(&features, false, &error);

		if (!info->required) {
			assert_int_equal(result, 0);
			continue;
		}
		assert_int_equal(result, feature == FEATURE_CAPABILITIES ? -EPERM : -ENOTSUP);
		assert_non_null(strstr(error.text, "the test took it away"));
		assert_non_null(strstr(error.text, info->remedy));
		assert_null(strchr(error.text, '\n'));
	}
}

static void unknown_name_is_named(void **state)
{
	const struct option_list disabled = { .values = { "btf", "warp_drive" }, .count = 2 };
	struct feature_set features = {};
	struct error error;

	(void)state;
	assert_int_equal(features_probe(&features, &disabled, &error), -EINVAL);
	assert_non_null(strstr(error.text, "--disable-feature"));
	assert_non_null(strstr(error.text, "\"warp_drive\""));
}

static void fork_is_needed_to_follow_alone(void **state)
{
	struct feature_set features = all_but(FEATURE_PROCESS_FORK);
	struct error error;

	(void)state;
	assert_int_equal(features_require(&features, false, &error), 0);
	assert_int_equal(features_require(&features, true, &error), -ENOTSUP);
	assert_non_null(strstr(error.text, "the test took it away"));
}

static void refusal_names_program_call_and_errno(void **state)
{
	const struct refusal refusal = {
		.feature = FEATURE_PROCESS_EXIT,
		.why = E2BIG,
		.what = "process_exit (tp_btf/sched_process_exit): BPF_PROG_LOAD"
	};
	struct feature_set features = all_but(FEATURE_COUNT);
	const struct feature_state *refused = &features.state[FEATURE_PROCESS_EXIT];
	struct error error;

	(void)state;
	features_refuse(&features, &refusal);
	assert_false(refused->available);
	assert_int_equal(refused->refused, E2BIG);
	assert_string_equal(refused->error, "E2BIG");
	assert_int_equal(features_require(&features, false, &error), -ENOTSUP);
	assert_non_null(strstr(error.text, refusal.what));
	assert_non_null(strstr(error.text, "(E2BIG)"));
}

static void what_is_refused_is_warned_of(void **state)
{
	const struct refusal signals = { .feature = FEATURE_SIGNALS, .why = EPERM };
	const struct refusal flush = { .feature = FEATURE_TLB_FLUSH, .why = EINVAL };
	struct feature_set features = all_but(FEATURE_RSS_STAT);
	char text[512];

	(void)state;
	assert_false(features_warn(&features, false, text, sizeof(text)));
	features_refuse(&features, &signals);
	features_refuse(&features, &flush);
	assert_true(features_warn(&features, false, text, sizeof(text)));
	assert_non_null(strstr(text, "refuses signals, tlb_flush: continuing without"));
	assert_null(strstr(text, "rss_stat"));
}

static void each_errno_has_a_name_and_a_reason(void **state)
{
	const int errors[] = { EPERM, EACCES, EINVAL, E2BIG, ENOSPC, 524, 4000 };
	char name[16], text[160];

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		policy_describe(errors[i], true, text, sizeof(text));
		assert_true(strlen(text) > 10);
	}
	assert_string_equal(policy_errno_name(EACCES, name), "EACCES");
	assert_string_equal(policy_errno_name(524, name), "ENOTSUPP");
	assert_string_equal(policy_errno_name(4000, name), "error 4000");
	policy_describe(EINVAL, false, text, sizeof(text));
	assert_null(strstr(text, "verifier"));
}

/* Nobody is told to do what is done. */
static void advice_fits_the_machine(void **state)
{
	const char *memlock = feature_info(FEATURE_MEMLOCK)->remedy;
	const char *perf = feature_info(FEATURE_PERF_EVENTS)->remedy;

	(void)state;
	assert_null(strstr(memlock, "as root")); /* who may lack CAP_SYS_RESOURCE */
	assert_non_null(strstr(memlock, "CAP_SYS_RESOURCE"));
	assert_null(strstr(perf, "to 2 or less")); /* where it may be */
	assert_non_null(strstr(perf, "where kernel.perf_event_paranoid is 3 or more"));
}

/* btf is looked at first, so that this is the reason whatever else is missing here. */
static void disabled_feature_is_refused_with_its_reason(void **state)
{
	const struct option_list disabled = { .values = { "btf" }, .count = 1 };
	struct feature_set features = {};
	struct error error;

	(void)state;
	assert_int_equal(features_probe(&features, &disabled, NULL), 0);
	assert_false(features.state[FEATURE_BTF].available);
	assert_int_equal(features_require(&features, false, &error), -ENOTSUP);
	assert_non_null(strstr(error.text, "--disable-feature btf"));
}

static void each_feature_can_be_disabled(void **state)
{
	struct feature_set plain = {};

	(void)state;
	assert_int_equal(features_probe(&plain, NULL, NULL), 0);
	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
		const struct option_list disabled = { .values = { feature_info(feature)->name },
						      .count = 1 };
		struct feature_set without = {};

		assert_int_equal(features_probe(&without, &disabled, NULL), 0);
		for (enum feature other = 0; other < FEATURE_COUNT; other++) {
			assert_true(plain.state[other].why[0]);
			assert_int_equal(without.state[other].available,
					 other != feature && plain.state[other].available);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_feature_says_what_it_is),
		cmocka_unit_test(machine_with_everything_is_accepted),
		cmocka_unit_test(missing_feature_is_refused_if_required),
		cmocka_unit_test(fork_is_needed_to_follow_alone),
		cmocka_unit_test(refusal_names_program_call_and_errno),
		cmocka_unit_test(what_is_refused_is_warned_of),
		cmocka_unit_test(each_errno_has_a_name_and_a_reason),
		cmocka_unit_test(advice_fits_the_machine),
		cmocka_unit_test(unknown_name_is_named),
		cmocka_unit_test(disabled_feature_is_refused_with_its_reason),
		cmocka_unit_test(each_feature_can_be_disabled),
	};

	return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
