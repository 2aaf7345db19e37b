#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The container file: podman builds it on a clean root of Debian 12, in place of debian:12-slim, and runs the
# image with the two capabilities that it needs, and with exactly what the Kubernetes manifest gives a pod.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/packages/base.bash
. tests/packages/base.bash
# shellcheck source=tests/packages/pod.bash
. tests/packages/pod.bash

name=faultmap-test-$$
url=http://127.0.0.1:$(free_port)
# runc, for crun refuses the mix of both cgroup versions that some machines have.
engine=(podman --root "$TMP/storage" --runroot "$TMP/run" --storage-driver overlay
	--cgroup-manager cgroupfs --runtime runc)
# Limits that need no CAP_SYS_RESOURCE. Podman's own filter wants CAP_SYS_ADMIN for bpf().
image_run=("${engine[@]}" run --rm --network=host --ulimit nofile=4096:4096 --ulimit nproc=4096:4096
	--pid=host --cap-drop=ALL --cap-add=BPF --cap-add=PERFMON --read-only
	-v /sys/fs/cgroup:/sys/fs/cgroup:ro)

# What podman leaves below /sys/fs/cgroup, if it was not there before.
cgroups()
{
	find /sys/fs/cgroup -depth -type d \( -path '*/libpod_parent*' -o -name conmon \) | sort
}

cleanup_container()
{
	local group

	timeout 60 "${engine[@]}" rm -f "$name" >/dev/null 2>&1
	comm -13 "$TMP/cgroups" <(cgroups) | sort -r | while read -r group; do
		rmdir "$group" 2>/dev/null
	done
	umount "$TMP/storage/overlay" 2>/dev/null
	return 0
}

make_root()
{
	make_base && "${engine[@]}" import -q "$base" docker.io/library/debian:12-slim
}

make_image()
{
	timeout 1200 "${engine[@]}" build --isolation chroot --pull=never --network host --layers=false \
		--ignorefile packaging/container/Dockerfile.dockerignore \
		-f packaging/container/Dockerfile -t faultmap .
}

run_image()
{
	timeout 120 "${image_run[@]}" --security-opt seccomp=unconfined "$@"
}

is_ready()
{
	[ "$(curl -s --noproxy '*' -m 10 -o /dev/null -w '%{http_code}' "$url/-/ready")" = 200 ]
}

# A process of the node, outside of the container.
has_node()
{
	curl -s --noproxy '*' -m 10 "$url/metrics" >"$TMP/scrape"
	grep -q '^faultmap_group_faults_total{group="faultgen",kind="demand_zero",severity="minor"} [1-9]' \
		"$TMP/scrape"
}

cgroups >"$TMP/cgroups"
trap 'cleanup_pod; cleanup_container; cleanup_test' EXIT
check "a clean root of Debian 12" make_root
check "the container file is built" make_image
if ! timeout 120 "${image_run[@]}" debian:12-slim true 2>"$TMP/err"; then
	skip "the image runs" "podman cannot run any here: $(tail -n 1 "$TMP/err")"
	done_testing
fi
check_equal "the image's program" "$(run_image faultmap --version)" "$("$FAULTMAP" --version)"
check "faultmap check: it works there" run_image faultmap check
timeout 120 "${image_run[@]}" faultmap check >"$TMP/check" 2>&1
status=$?
check "with podman's own seccomp filter it works, or check names the filter ($status)" \
	grep -qE '^faultmap works here|^(MISSING|REFUSED) +bpf_syscall .*seccomp profile' "$TMP/check"

start_background "${image_run[@]}" --security-opt seccomp=unconfined --name "$name" faultmap \
	daemon --user root --listen "${url#http://}" --group-by comm 2>"$TMP/err"
container=$BACKGROUND_PID
check "the daemon gets ready" wait_for 60 is_ready
"$BUILD/workload/faultgen" demand_zero_write >/dev/null
check "it counts the processes of the node" wait_for 120 has_node
check "podman stop" timeout 60 "${engine[@]}" stop -t 30 "$name"
wait "$container"
check_equal "it has ended well, and has said where it listened alone" "$? $(cat "$TMP/err")" \
	"0 faultmap: serving on $url/metrics"
test_pod faultmap
done_testing
