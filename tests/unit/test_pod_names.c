// SPDX-License-Identifier: GPL-2.0-only
/* What the kubelet's directories and a process's environment say of pods. */
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
#define ID "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static char logs[64];

static const struct unit_name web = { .runtime = "containerd", .container_id = ID, .pod_uid = UID };

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
	make("containers/web-0_shop_server-" ID ".log");
	assert_true(pod_names_have_logs(logs));
	pod_names_find(names, &web, 4999999999, &pod);
	assert_string_equal(pod.name, ""); /* not so soon again */
	pod_names_find(names, &web, 5000000000, &pod);
	assert_true(pod_names_are_listed(names));
	assert_string_equal(pod.space, "shop");
	assert_string_equal(pod.name, "web-0");
	assert_string_equal(pod.container, "server");
	pod_names_free(names);
	pod_names_free(NULL);
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

/* This process by itself, after an exec: /proc/PID/environ is what it began with. */
static void the_environment_may_tell(void **state)
{
	char *const environment[] = { "HOSTNAME=web-1", "POD_NAMESPACE=shop",
				      "CONTAINER_NAME=BAD NAME", "POD_NAMESPACE=late", NULL };
	char *const arguments[] = { "sleep", "100", NULL };
	struct pod pod = {};
	pid_t child = fork();

	(void)state;
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
	assert_string_equal(pod.space, "shop");
	assert_string_equal(pod.name, "web-1");
	assert_string_equal(pod.container, "");
	pod_names_ask((uint32_t)child, &pod); /* gone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_those_of_the_directories, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_name_is_left_out, set_up, tear_down),
		cmocka_unit_test(the_environment_may_tell),
	};

	return cmocka_run_group_tests_name("pod_names", tests, NULL, NULL);
}
