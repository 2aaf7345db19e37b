# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by container.sh: the DaemonSet of packaging/kubernetes without a kubelet. What a kubelet and its runtime make
# of the pod's settings, podman makes of them here; they are read from the manifest, and a field that is not known
# here is a failure. A real kubelet cannot be had: this proves the settings, not the cluster's own ways.

MANIFEST=packaging/kubernetes/faultmap.yaml
POD_NAME=faultmap-pod-$$
# Limits that need no CAP_SYS_RESOURCE, which the machine of the tests may lack.
POD_LIMITS=(--ulimit nofile=4096:4096 --ulimit nproc=4096:4096)
# Debian 12's filter is of a time when bpf() was CAP_SYS_ADMIN's; since moby 23 and containerd 1.7 the default filter
# gives it to CAP_BPF, and perf_event_open() to CAP_PERFMON.
OLD_SECCOMP=/usr/share/containers/seccomp.json

# manifest: the container's settings, and the pod's, as JSON.
manifest()
{
	/usr/bin/python3 -c '
import json, sys, yaml
for part in yaml.safe_load_all(open(sys.argv[1])):
    if part["kind"] == "DaemonSet":
        print(json.dumps(part["spec"]["template"]["spec"]))' "$MANIFEST"
}

setting()
{
	jq -r "$1" "$TMP/pod.json"
}

# unknown_settings: what of the manifest pod_options() and the tests below do not carry out.
unknown_settings()
{
	jq -r '(keys - ["serviceAccountName", "automountServiceAccountToken", "hostPID", "nodeSelector", "tolerations",
			"terminationGracePeriodSeconds", "containers", "volumes"]),
		(.containers[1:] | map(.name)),
		(.containers[0] | keys - ["name", "image", "args", "ports", "securityContext", "startupProbe",
			"readinessProbe", "livenessProbe", "resources", "volumeMounts"]),
		(.containers[0].securityContext | keys - ["runAsUser", "allowPrivilegeEscalation",
			"readOnlyRootFilesystem", "capabilities", "seccompProfile"]),
		(.containers[0].resources | [.limits, .requests] | map(keys[]) - ["cpu", "memory"]),
		(.volumes | map(keys - ["name", "hostPath"]) | add) | .[]' "$TMP/pod.json"
}

# pod_options SECCOMP-PROFILE: podman's options, one a line, that do what the settings ask for.
pod_options()
{
	jq -r --arg profile "$1" '
		def bytes: capture("^(?<n>[0-9]+)(?<u>Mi|Gi)$") | "\(.n)\(.u[0:1] | ascii_downcase)";
		def shares: rtrimstr("m") | tonumber * 1024 / 1000 | floor | if . < 2 then 2 else . end;
		.volumes as $volumes | .hostPID as $pid | .containers[0] |
		(if $pid then "--pid=host" else empty end),
		(.securityContext |
			"--user=\(.runAsUser)",
			(if .allowPrivilegeEscalation == false then "--security-opt=no-new-privileges" else empty end),
			(if .readOnlyRootFilesystem then "--read-only", "--read-only-tmpfs=false" else empty end),
			(.capabilities.drop[] | "--cap-drop=\(.)"), (.capabilities.add[] | "--cap-add=\(.)"),
			(if .seccompProfile.type == "RuntimeDefault" then "--security-opt=seccomp=\($profile)"
			 else "--security-opt=seccomp=unconfined" end)),
		(.resources | "--memory=\(.limits.memory | bytes)", "--memory-swap=\(.limits.memory | bytes)",
			"--memory-reservation=\(.requests.memory | bytes)", "--cpu-shares=\(.requests.cpu | shares)"),
		(.volumeMounts[] | . as $mount | ($volumes[] | select(.name == $mount.name).hostPath.path) as $path |
			"--volume=\($path):\(.mountPath)\(if .readOnly then ":ro" else "" end)")' "$TMP/pod.json"
}

# in_pod COMMAND...: in the pod's network alone, where the kubelet's probes arrive.
in_pod()
{
	nsenter -n -t "$pod_pid" "$@"
}

# probe NAME: as the kubelet does: until it has failed as often as it may (3 unless it says), each in its time (1 s).
probe()
{
	local path port tries

	path=$(setting ".containers[0].$1.httpGet.path")
	port=$(setting ".containers[0] | .$1.httpGet.port as \$port | .ports[] | select(.name == \$port).containerPort")
	tries=$(setting ".containers[0].$1.failureThreshold // 3")
	for ((; tries; tries--)); do
		[ -d "/proc/$pod_pid" ] || return
		in_pod curl -sf --noproxy '*' -o /dev/null -m "$(longer "$(setting ".containers[0].$1.timeoutSeconds // 1")")" \
			"http://127.0.0.1:$port$path" && return
		read -rt "$(setting ".containers[0].$1.periodSeconds")" <> <(:)
	done
	return 1
}

pod_metrics()
{
	in_pod curl -sf --noproxy '*' -m "$(longer 10)" http://127.0.0.1:14096/metrics >"$TMP/scrape"
}

# All of the demo's pages have arrived: beside them are the first pages of its interpreter.
has_demo()
{
	local minor

	pod_metrics && minor=$(value "faultmap_group_faults_total{group=\"$demo_group\",kind=\"demand_zero\",severity=\"minor\"}") &&
		[ "${minor:-0}" -ge 131072 ] && [ "$minor" -lt $((131072 + 4096)) ]
}

# run_demo: a process of the node, in a cgroup as the kubelet makes it.
run_demo()
{
	local uid=0d1f0c9e-8a7b-4c6d-9e5f-000000000001 root=/sys/fs/cgroup

	[ ! -d "$root/unified" ] || root=$root/unified
	demo_cgroup=$root/kubepods/besteffort/pod$uid/$(sha256sum <<<"$$" | cut -c 1-64)
	demo_group=shop/web-$$
	mkdir -p "$demo_cgroup" "/var/log/pods/shop_web-${$}_$uid" || return
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$demo_cgroup" /usr/bin/python3 tests/workload/touch.py 512 >"$TMP/demo"
}

cleanup_pod()
{
	local path

	# shellcheck disable=SC2154 # of container.sh
	timeout 60 "${engine[@]}" rm -f "$POD_NAME" >/dev/null 2>&1
	for path in "/var/log/pods/shop_web-${$}_"*; do
		rmdir "$path" 2>/dev/null
	done
	for path in "$demo_cgroup" "${demo_cgroup%/*}" "${demo_cgroup%/*/*}" "${demo_cgroup%/*/*/*}"; do
		[ -z "$path" ] || rmdir "$path" 2>/dev/null
	done
	[ ! -s "$TMP/made" ] || tac "$TMP/made" | xargs -r rmdir 2>/dev/null
	return 0
}

# The host's directories that the manifest wants there, which every kubelet has made.
make_host_paths()
{
	local path

	setting '.volumes[].hostPath.path' | while read -r path; do
		[ -d "$path" ] || { mkdir "$path" && echo "$path"; }
	done >"$TMP/made"
}

# cgroup_value CONTROLLER V1-FILE V2-FILE: of the pod's own group.
cgroup_value()
{
	local path

	path=$(sed -n "s/^[0-9]*:$1://p" "/proc/$pod_pid/cgroup")
	if [ -n "$path" ]; then
		cat "/sys/fs/cgroup/$1$path/$2"
	else
		cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pod_pid/cgroup")/$3"
	fi
}

check_pod_settings()
{
	check_equal "it could have BPF and PERFMON, keeps neither once it counts, and can gain nothing" \
		"$(sed -n 's/^\(CapPrm\|CapBnd\|NoNewPrivs\|Seccomp\):\t//p' "/proc/$pod_pid/status" | paste -sd ' ')" \
		"0000000000000000 000000c000000000 1 2"
	check_equal "its memory is limited to the manifest's" \
		"$(cgroup_value memory memory.limit_in_bytes memory.max)" $(($(setting .containers[0].resources.limits.memory |
			sed 's/Mi$//') << 20))
	check_equal "it sees the node's processes" "$(readlink "/proc/$pod_pid/ns/pid")" "$(readlink /proc/self/ns/pid)"
	check_equal "its network is its own" "$([ "$(readlink "/proc/$pod_pid/ns/net")" = "$(readlink /proc/self/ns/net)" ] || echo own)" own
	check_equal "its root, and what is mounted of the node, are read only" \
		"$(awk '$5 == "/" || $5 ~ "^/sys/fs/cgroup$|^/var/log/" { sub(",.*", "", $6); print $5, $6 }' \
			"/proc/$pod_pid/mountinfo" | sort -u)" \
		"$({ echo /; setting '.containers[0].volumeMounts[].mountPath'; } | sed 's/$/ ro/' | sort -u)"
}

# test_pod IMAGE
test_pod()
{
	local image=$1 daemon status

	manifest >"$TMP/pod.json"
	check_equal "each of the manifest's settings is carried out" "$(unknown_settings)" ""
	jq '.syscalls |= map(if .names | index("bpf") then .names -= ["bpf", "perf_event_open"] else . end) |
		.syscalls += [{names: ["bpf"], action: "SCMP_ACT_ALLOW", includes: {caps: ["CAP_BPF"]}},
			{names: ["perf_event_open"], action: "SCMP_ACT_ALLOW", includes: {caps: ["CAP_PERFMON"]}}]' \
		"$OLD_SECCOMP" >"$TMP/seccomp.json"
	make_host_paths
	mapfile -t options < <(pod_options "$OLD_SECCOMP")
	timeout 120 "${engine[@]}" run --rm --network=none "${POD_LIMITS[@]}" "${options[@]}" "$image" check >"$TMP/check" 2>&1
	check "an old RuntimeDefault: it works, or check names the filter" \
		grep -qE '^faultmap works here|^(MISSING|REFUSED) +bpf_syscall .*seccomp profile' "$TMP/check"

	mapfile -t options < <(pod_options "$TMP/seccomp.json")
	mapfile -t arguments < <(setting '.containers[0].args[]')
	start_background "${engine[@]}" run --rm --network=none --name "$POD_NAME" "${POD_LIMITS[@]}" "${options[@]}" \
		"$image" "${arguments[@]}" 2>"$TMP/err"
	daemon=$BACKGROUND_PID
	if ! wait_for 60 pod_runs; then
		not_ok "the pod runs" "$(cat "$TMP/err")"
		return
	fi
	check "startupProbe: it starts in time" probe startupProbe
	check "readinessProbe" probe readinessProbe
	check "livenessProbe" probe livenessProbe
	check_pod_settings
	check "a process of the node touches 131,072 pages" run_demo
	check_contains "it says so" "$TMP/demo" '^touched 131072 pages: 131072 minor'
	check "they are its pod's, by the name that the kubelet's log directory gives" wait_for 60 has_demo
	check_equal "nothing was killed for memory" "$(cgroup_value memory memory.oom_control memory.events |
		sed -n 's/^oom_kill //p')" 0
	check "livenessProbe, then" probe livenessProbe
	check "the pod is stopped" timeout 120 "${engine[@]}" stop -t "$(setting .terminationGracePeriodSeconds)" "$POD_NAME"
	wait "$daemon"
	status=$?
	check_equal "within the time that it has, and it has ended well" "$status" 0
}

pod_runs()
{
	pod_pid=$("${engine[@]}" inspect -f '{{.State.Pid}}' "$POD_NAME" 2>/dev/null) && [ "$pod_pid" -gt 0 ]
}
