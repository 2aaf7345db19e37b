// SPDX-License-Identifier: GPL-2.0-only
/* Names of pods, from the kubelet's directories and from a process's environment. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "metrics/pod_names.h"

#define UID "3d1f0c9e-8a7b-4c6d-9e5f-0a1b2c3d4e5f"
#define OTHER_UID "4d1f0c9e-8a7b-4c6d-9e5f-0a1b2c3d4e5f"
#define OTHER_ID "0edcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde" /* 63 */
#define ID "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static char logs[64];

static const struct unit_name web = { .runtime = "containerd", .container_id = ID, .pod_uid = UID };
static const struct unit_name database = { .runtime = "containerd",
					   .container_id = OTHER_ID,
					   .pod_uid = OTHER_UID };

static void make(const char *what)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", logs, what);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(logs, "/tmp/pod_names.XXXXXX");
	return mkdtemp(logs) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", logs);
	return system(command);
}

static void names_are_those_of_the_directories(void **state)
{
	struct pod_names *names = pod_names_new(logs);
	struct pod pod = {};

	(void)state;
	pod_names_find(names, &web, 0, &pod);
	assert_string_equal(pod.name, "");
	assert_false(pod_names_are_listed(names));
	assert_false(pod_names_have_logs(logs));
	make("pods");
	make("containers");
	make("pods/shop_web-0_" UID);
	make("pods/" LONG "_db-0_" OTHER_UID);
	make("containers/web-0_shop_server-" ID ".log");
	make("containers/db-0_" LONG "_store-" OTHER_ID ".log");
	assert_true(pod_names_have_logs(logs));
	pod_names_find(names, &web, 4999999999, &pod);
	assert_string_equal(pod.name, ""); /* not so soon again */
	pod_names_find(names, &web, 5000000000, &pod);
	assert_true(pod_names_are_listed(names));
	assert_string_equal(pod.space, "shop");
	assert_string_equal(pod.name, "web-0");
	assert_string_equal(pod.container, "server");
	pod_names_find(names, &database, 5000000000, &pod);
	assert_string_equal(pod.space, LONG);
	assert_string_equal(pod.name, "db-0");
	assert_string_equal(pod.container, "store");
	pod = (struct pod){};
	pod_names_find(names, &(struct unit_name){ .container_id = ID }, 5000000000, &pod);
	assert_string_equal(pod.container, ""); /* it is in no pod */
	pod_names_free(names);
	pod_names_free(NULL);
}

static void make_pod(unsigned int number)
{
	char entry[64];

	snprintf(entry, sizeof(entry), "pods/a_b-%u_%u", number, number);
	make(entry);
}

static bool has_pod(struct pod_names *names, unsigned int number, uint64_t now_ns)
{
	struct unit_name unit = {};
	struct pod pod = {};

	snprintf(unit.pod_uid, sizeof(unit.pod_uid), "%u", number);
	pod_names_find(names, &unit, now_ns, &pod);
	return *pod.name;
}

/* More pods than are kept; and those that went make room. */
static void pods_are_bounded(void **state)
{
	struct pod_names *names = pod_names_new(logs);
	unsigned int found = 0;
	char pods[128], old[128];

	(void)state;
	make("pods");
	for (unsigned int i = 0; i < PODS_MAX + 3; i++)
		make_pod(i);
	for (unsigned int i = 0; i < PODS_MAX + 3; i++)
		found += has_pod(names, i, 0);
	assert_int_equal(found, PODS_MAX);
	snprintf(pods, sizeof(pods), "%s/pods", logs);
	snprintf(old, sizeof(old), "%s/old", logs);
	assert_int_equal(rename(pods, old), 0);
	make("pods");
	make_pod(5000);
	assert_true(has_pod(names, 5000, 5000000000));
	pod_names_free(names);
}

static void what_is_no_name_is_left_out(void **state)
{
	static const char *const entries[] = {
		"pods/no",
		"pods/a_b",
		"pods/_b_" UID,
		"pods/a__" UID,
		"pods/a_\xff_" UID,
		"pods/A_b_" UID,
		"pods/a_b\"_" UID,
		"pods/" LONG "f_b_" UID,
		"containers/" ID ".log",
		"containers/a_b_" ID ".log",
		"containers/a_b_-" ID ".log",
		"containers/a_b_c-" ID,
		"containers/a_b_c1" ID ".log",
		"containers/a_b_C-" ID ".log",
	};
	struct pod_names *names = pod_names_new(logs);
	struct pod pod = {};

	(void)state;
	make("pods");
	make("containers");
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		make(entries[i]);
	pod_names_find(names, &web, 0, &pod);
	assert_string_equal(pod.space, "");
	assert_string_equal(pod.name, "");
	assert_string_equal(pod.container, "");
	pod_names_free(names);
}

/* Of a process by itself, after an exec: /proc/PID/environ is what it began with. */
static struct pod pod_of(char *const *environment)
{
	char *const arguments[] = { "sleep", "100", NULL };
	struct pod pod = {};
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve("/bin/sleep", arguments, environment);
		_exit(1);
	}
	for (int i = 0; i < 5000 && strcmp(pod.space, "shop") != 0; i++) {
		pod = (struct pod){}; /* before its exec it has this program's */
		pod_names_ask((uint32_t)child, &pod);
		usleep(1000);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	pod_names_ask((uint32_t)child, &pod); /* gone */
	return pod;
}

static void the_environment_may_tell(void **state)
{
	char *const few[] = { "HOSTNAME=web-1", "POD_NAMESPACE=shop", "CONTAINER_NAME=BAD NAME",
			      "POD_NAMESPACE=late", NULL };
	char *const all[] = { "HOSTNAME=node-7", "POD_NAMESPACE=shop", "CONTAINER_NAME=server",
			      "POD_NAME=web-0", NULL };
	struct pod pod = pod_of(few);

	(void)state;
	assert_string_equal(pod.space, "shop");
	assert_string_equal(pod.name, "web-1");
	assert_string_equal(pod.container, "");
	pod = pod_of(all); /* the host's name may be the node's */
	assert_string_equal(pod.space, "shop");
	assert_string_equal(pod.name, "web-0");
	assert_string_equal(pod.container, "server");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_those_of_the_directories, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(pods_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_name_is_left_out, set_up, tear_down),
		cmocka_unit_test(the_environment_may_tell),
	};

	return cmocka_run_group_tests_name("pod_names", tests, NULL, NULL);
}
