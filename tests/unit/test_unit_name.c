// SPDX-License-Identifier: GPL-2.0-only
/* Units and containers out of cgroup paths as they are found on real hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/unit_name.h"

#define ID "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID "3d1f0c9e-8a7b-4c6d-9e5f-0a1b2c3d4e5f"
#define UID_ "3d1f0c9e_8a7b_4c6d_9e5f_0a1b2c3d4e5f"
#define STATIC_UID "d0f1e2d3c4b5a69788796a5b4c3d2e1f" /* begins with a d, as pod ends */

/* A unit has neither runtime nor ids: left out below. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct {
	const char *cgroup, *name, *runtime, *container_id, *pod_uid;
} cases[] = {
	/* systemd */
	{ "/system.slice/cron.service", "cron.service" },
	{ "/init.scope", "init.scope" },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service" },
	{ "/system.slice/nginx.service/workers/1", "nginx.service" },
	{ "/system.slice/a-b.slice/a-b-c.slice/deep.service", "deep.service" },
	{ "/system.slice/dev-hugepages.mount", "dev-hugepages.mount" },
	{ "/system.slice/system-sshd.slice/sshd@3-10.0.0.1:22-10.0.0.2:50000.service",
	  "sshd@3-10.0.0.1:22-10.0.0.2:50000.service" },
	{ "/system.slice/systemd-udevd.service/udev", "systemd-udevd.service" },
	{ "/system.slice/_cpu.service", "cpu.service" },
	{ "/system.slice", "system.slice" },
	{ "/system.slice/something", "system.slice" },
	{ "/a.slice/a-b.slice", "a-b.slice" },
	{ "/.service", "/.service" },
	/* user sessions */
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service/init.scope",
	  "user@1000.service/init.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service", "user@1000.service" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/"
	  "vte-spawn-6b1c.scope",
	  "user@1000.service/vte-spawn-6b1c.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/"
	  "app-gnome-org.mozilla.firefox-4242.scope/x.service",
	  "user@1000.service/app-gnome-org.mozilla.firefox-4242.scope" },
	/* machines */
	{ "/machine.slice/machine-qemu\\x2d1\\x2ddebian.scope/libvirt/vcpu0",
	  "machine-qemu\\x2d1\\x2ddebian.scope" },
	{ "/machine.slice/systemd-nspawn@web.service/payload/system.slice/cron.service",
	  "systemd-nspawn@web.service" },
	{ "/lxc.payload.web/system.slice/cron.service", "lxc:web", "lxc" },
	{ "/system.slice/system-systemd\\x2dfsck.slice/systemd-fsck@dev-disk-by\\x2duuid.service",
	  "systemd-fsck@dev-disk-by\\x2duuid.service" },
	/* docker */
	{ "/docker/" ID, "docker:0a1b2c3d4e5f", "docker", ID },
	{ "/system.slice/docker-" ID ".scope", "docker:0a1b2c3d4e5f", "docker", ID },
	{ "/system.slice/docker-" ID ".scope/system.slice/nginx.service", "docker:0a1b2c3d4e5f",
	  "docker", ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope",
	  "docker:0a1b2c3d4e5f", "docker", ID },
	{ "/system.slice/docker.service", "docker.service" },
	/* containerd */
	{ "/system.slice/nerdctl-" ID ".scope", "containerd:0a1b2c3d4e5f", "containerd", ID },
	{ "/default/" ID, "container:0a1b2c3d4e5f", "container", ID },
	{ "/default/redis", "/default/redis" },
	{ "/system.slice/containerd.service", "containerd.service" },
	/* podman */
	{ "/machine.slice/libpod-" ID ".scope/container", "podman:0a1b2c3d4e5f", "podman", ID },
	{ "/machine.slice/machine-libpod_pod_" ID2 ".slice/libpod-" ID ".scope",
	  "podman:0a1b2c3d4e5f", "podman", ID },
	{ "/libpod_parent/libpod-" ID, "podman:0a1b2c3d4e5f", "podman", ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
	  "podman:0a1b2c3d4e5f", "podman", ID },
	{ "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope" },
	/* Kubernetes */
	{ "/kubepods/burstable/pod" UID "/" ID, "container:0a1b2c3d4e5f", "container", ID, UID },
	{ "/kubepods/pod" UID "/" ID, "container:0a1b2c3d4e5f", "container", ID, UID },
	{ "/kubepods/besteffort/pod" UID "/crio-" ID, "cri-o:0a1b2c3d4e5f", "cri-o", ID, UID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	  ".slice/cri-containerd-" ID ".scope",
	  "containerd:0a1b2c3d4e5f", "containerd", ID, UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope", "cri-o:0a1b2c3d4e5f",
	  "cri-o", ID, UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope",
	  "crio-conmon-" ID ".scope", NULL, "", UID },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/docker-" ID ".scope",
	  "docker:0a1b2c3d4e5f", "docker", ID, UID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" STATIC_UID
	  ".slice/cri-containerd-" ID ".scope",
	  "containerd:0a1b2c3d4e5f", "containerd", ID, STATIC_UID },
	{ "/kubepods/pod" STATIC_UID "/" ID, "container:0a1b2c3d4e5f", "container", ID,
	  STATIC_UID },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
	  ".slice:cri-containerd:" ID,
	  "containerd:0a1b2c3d4e5f", "containerd", ID, UID },
	{ "/docker/" ID2 "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	  "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope",
	  "containerd:0a1b2c3d4e5f", "containerd", ID, UID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice",
	  "kubepods-burstable-pod" UID_ ".slice", NULL, "", UID },
	/* none of these */
	{ "/", "/" },
	{ "", "unknown" },
	{ "/openrc.nginx", "/openrc.nginx" },
	{ "/kubepods/podhouse", "/kubepods/podhouse" },
	{ "/system.slice/x-0123456789abcdef.scope", "x-0123456789abcdef.scope" },
	{ "/docker/" ID "f", "/docker/" ID "f" },
	{ "/0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F9",
	  "/0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F9" },
};

static void paths_of_real_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unit_name name;

		unit_name_of(&name, cases[i].cgroup);
		assert_string_equal(name.name, cases[i].name);
		assert_string_equal(name.runtime ?: "none", cases[i].runtime ?: "none");
		assert_string_equal(name.container_id, cases[i].container_id ?: "");
		assert_string_equal(name.pod_uid, cases[i].pod_uid ?: "");
	}
}

/* A cgroup's path may have 4,096 bytes; what is in it is the host's users' choice. */
static void a_long_path_is_cut(void **state)
{
	static char path[5000];
	struct unit_name name;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	unit_name_of(&name, path);
	assert_int_equal(strlen(name.name), UNIT_NAME_LEN - 1);
	memcpy(path + sizeof(path) - 1 - strlen(".service"), ".service", strlen(".service"));
	unit_name_of(&name, path);
	assert_int_equal(strlen(name.name), UNIT_NAME_LEN - 1);
	assert_memory_equal(name.name, path + 1, UNIT_NAME_LEN - 1);
}

static bool matches(const char *cgroup, const char *pattern)
{
	struct unit_name name;

	unit_name_of(&name, cgroup);
	return unit_name_matches(&name, pattern);
}

static void a_unit_is_asked_for_in_many_ways(void **state)
{
	(void)state;
	assert_true(matches("/system.slice/cron.service", "cron.service"));
	assert_true(matches("/system.slice/cron.service", "cron"));
	assert_true(matches("/system.slice/cron.service", "c?on*"));
	assert_false(matches("/system.slice/cron.service", "cro"));
	assert_false(matches("/system.slice/cron.socket", "cron"));
	assert_true(matches("/system.slice/a\\x2db.service", "a\\x2db"));
	assert_true(matches("/docker/" ID, "docker:0a1b2c3d4e5f"));
	assert_true(matches("/docker/" ID, ID));
	assert_false(matches("/system.slice/cron.service", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_of_real_hosts),
		cmocka_unit_test(a_long_path_is_cut),
		cmocka_unit_test(a_unit_is_asked_for_in_many_ways),
	};

	return cmocka_run_group_tests_name("unit_name", tests, NULL, NULL);
}
