// SPDX-License-Identifier: GPL-2.0-only
/* Hashes that libcrypt made, checked by the thread while a loop runs. */
#include <crypt.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "serve/login.h"

#define PASSWORD "correct horse"
#define MAX_ASKED 100

struct fixture {
	struct loop *loop;
	struct login *login;
	char hash[64];
	unsigned int asked, granted, denied;
	bool timed_out;
	bool asks_again; /* as soon as there is an answer */
	enum login_answer again;
};

static void count_answer(void *who, bool granted)
{
	struct fixture *fixture = who;

	if (granted)
		fixture->granted++;
	else
		fixture->denied++;
	if (fixture->asks_again)
		fixture->again = login_check(fixture->login, fixture->hash, "again", true, fixture);
	if (fixture->granted + fixture->denied == fixture->asked)
		loop_quit(fixture->loop);
}

static int give_up(void *context)
{
	struct fixture *fixture = context;

	fixture->timed_out = true;
	loop_quit(fixture->loop);
	return 0;
}

/* The salt's last character is one of those that have no spare bits. */
static void make_hash(char *hash, size_t size, const char *prefix)
{
	struct crypt_data data = { 0 };
	char setting[64];

	snprintf(setting, sizeof(setting), "%sabcdefghijklmnopqrstuu", prefix);
	snprintf(hash, size, "%s", crypt_r(PASSWORD, setting, &data));
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	make_hash(fixture->hash, sizeof(fixture->hash), "$2b$04$");
	assert_int_equal(loop_new(&fixture->loop), 0);
	assert_int_equal(loop_add_timer(fixture->loop, 20000, give_up, fixture), 0);
	assert_int_equal(login_new(&fixture->login, fixture->loop, count_answer), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	login_free(fixture->login);
	loop_free(fixture->loop);
	free(fixture);
	return 0;
}

static enum login_answer ask(struct fixture *fixture, const char *hash, const char *password,
			     bool is_user)
{
	enum login_answer answer = login_check(fixture->login, hash, password, is_user, fixture);

	if (answer == LOGIN_PENDING)
		fixture->asked++;
	return answer;
}

static void wait_for_answers(struct fixture *fixture)
{
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_false(fixture->timed_out);
}

static void the_right_password_is_granted_then_remembered(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, fixture->hash, PASSWORD, true), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(fixture->granted, 1);
	assert_int_equal(ask(fixture, fixture->hash, PASSWORD, true), LOGIN_GRANTED);
}

static void every_prefix_of_bcrypt_is_understood(void **state)
{
	const char *prefixes[] = { "$2a$04$", "$2b$05$", "$2y$04$" };
	struct fixture *fixture = *state;
	char hash[64];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		make_hash(hash, sizeof(hash), prefixes[i]);
		assert_true(login_is_hash(hash));
		assert_int_equal(ask(fixture, hash, PASSWORD, true), LOGIN_PENDING);
	}
	wait_for_answers(fixture);
	assert_int_equal(fixture->granted, 3);
}

static void a_wrong_password_is_denied_each_time(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, fixture->hash, PASSWORD " ", true), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(ask(fixture, fixture->hash, "", true), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(fixture->denied, 2);
	/* After a granted one, too. */
	assert_int_equal(ask(fixture, fixture->hash, PASSWORD, true), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(ask(fixture, fixture->hash, PASSWORD "x", true), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(fixture->granted, 1);
	assert_int_equal(fixture->denied, 3);
}

static void the_right_password_of_an_unknown_user_is_denied(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, fixture->hash, PASSWORD, true), LOGIN_PENDING);
	assert_int_equal(ask(fixture, fixture->hash, PASSWORD, false), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(fixture->granted, 1);
	assert_int_equal(fixture->denied, 1);
	assert_int_equal(ask(fixture, fixture->hash, PASSWORD, false), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(fixture->denied, 2);
}

static void a_changed_hash_is_not_remembered(void **state)
{
	struct fixture *fixture = *state;
	char other[64];

	assert_int_equal(ask(fixture, fixture->hash, PASSWORD, true), LOGIN_PENDING);
	wait_for_answers(fixture);
	make_hash(other, sizeof(other), "$2b$05$");
	assert_int_equal(ask(fixture, other, PASSWORD, true), LOGIN_PENDING);
	wait_for_answers(fixture);
	assert_int_equal(fixture->granted, 2);
}

/* Pairs of alike ones: what is checked once answers both. */
static void what_is_pending_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	enum login_answer answer = LOGIN_PENDING;
	char password[16];

	while (answer == LOGIN_PENDING && fixture->asked < MAX_ASKED) {
		snprintf(password, sizeof(password), "%u", fixture->asked / 2);
		answer = ask(fixture, fixture->hash, password, true);
	}
	assert_int_equal(answer, LOGIN_BUSY);
	wait_for_answers(fixture);
	assert_int_equal(fixture->denied, fixture->asked);
	assert_int_equal(ask(fixture, fixture->hash, "again", true), LOGIN_PENDING);
	wait_for_answers(fixture);
}

static unsigned int count_threads(void)
{
	unsigned int count = 0;
	DIR *tasks = opendir("/proc/self/task");

	while (readdir(tasks))
		count++;
	closedir(tasks);
	return count;
}

static void the_end_answers_waiting_clients_and_leaves_no_thread(void **state)
{
	struct fixture *fixture = *state;
	unsigned int threads = count_threads();

	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(ask(fixture, fixture->hash, i % 2 ? "a" : "b", true),
				 LOGIN_PENDING);
	login_free(fixture->login);
	fixture->login = NULL;
	assert_int_equal(fixture->denied, 5);
	assert_int_equal(count_threads(), threads - 1);
}

/* An answer lets HTTP go on, and with it whoever has just sent a password: nobody would ever tell
 * him. */
static void at_the_end_no_reader_is_accepted(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, fixture->hash, "a", true), LOGIN_PENDING);
	fixture->asks_again = true;
	fixture->again = LOGIN_PENDING;
	login_free(fixture->login);
	fixture->login = NULL;
	assert_int_equal(fixture->denied, 1);
	assert_int_equal(fixture->again, LOGIN_BUSY);
}

static void what_is_no_bcrypt_hash_is_refused(void **state)
{
	const char *bad[] = {
		"",
		"password",
		"$2b$04$abcdefghijklmnopqrstuu",
		"$1$abcdefgh$0123456789012345678901",
		"$2x$04$abcdefghijklmnopqrstuuE7VJNN9Ol9sVTvbKIkJkkGzGSPMFHFCq",
		"$2b$03$abcdefghijklmnopqrstuuE7VJNN9Ol9sVTvbKIkJkkGzGSPMFHFCq",
		"$2b$17$abcdefghijklmnopqrstuuE7VJNN9Ol9sVTvbKIkJkkGzGSPMFHFCq",
		"$2b$4$abcdefghijklmnopqrstuuE7VJNN9Ol9sVTvbKIkJkkGzGSPMFHFCqq",
		"$2b$04$abcdefghijklmnopqrstuuE7VJNN9Ol9sVTvbKIkJkkGzGSPMFHFC:",
		"$2b$04$abcdefghijklmnopqrstuuE7VJNN9Ol9sVTvbKIkJkkGzGSPMFHFCqq",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (login_is_hash(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_right_password_is_granted_then_remembered),
		TEST(every_prefix_of_bcrypt_is_understood),
		TEST(a_wrong_password_is_denied_each_time),
		TEST(the_right_password_of_an_unknown_user_is_denied),
		TEST(a_changed_hash_is_not_remembered),
		TEST(what_is_pending_is_bounded),
		TEST(the_end_answers_waiting_clients_and_leaves_no_thread),
		TEST(at_the_end_no_reader_is_accepted),
		cmocka_unit_test(what_is_no_bcrypt_hash_is_refused),
	};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
