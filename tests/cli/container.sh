#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The container file and the Kubernetes manifests agree with the tree and the program. Nothing of them is run
# here.
# shellcheck disable=SC2016 # $ is of jq's variables
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

DOCKERFILE=packaging/container/Dockerfile
MANIFEST=packaging/kubernetes/faultmap.yaml
MONITOR=packaging/kubernetes/podmonitor.yaml

# The packages that own the libraries that the program asks for itself (not what those ask for).
runtime_packages()
{
	objdump -p "$FAULTMAP" | sed -n 's/^ *NEEDED *//p' | while read -r library; do
		dpkg -S "*/$(gcc -print-multiarch)/$library" | sed 's/:.*//'
	done | sort -u | grep -vx libc6
}

# to_json FILE: its documents as one array.
to_json()
{
	/usr/bin/python3 -c '
import json, sys, yaml
print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))' "$1"
}

# check_json NAME JQ-CONDITION: of the DaemonSet's container, pod or monitor.
check_json()
{
	check "$1" jq -e ".[] | $2" "$TMP/all.json"
}

check_equal "the image has the libraries that the program needs" \
	"$(sed -n '/apt-get install/,/&&/p' "$DOCKERFILE" | grep -oE '\b(lib[a-z0-9-]+|zlib1g)\b' | sort -u)" \
	"$(runtime_packages)"
while read -r source; do
	check "COPY $source: it is there" test -e "$source"
done < <(sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' "$DOCKERFILE")
check "the image's command is a command with its flags" \
	"$FAULTMAP" daemon --listen :14096 --help

if ! /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
	skip "the manifests are YAML" "python3-yaml is not installed"
	done_testing
fi
check "the DaemonSet's file is YAML" to_json "$MANIFEST"
check "the PodMonitor's file is YAML" to_json "$MONITOR"
{ to_json "$MANIFEST"; to_json "$MONITOR"; } | jq -s 'add' >"$TMP/list.json"
jq '(.[] | select(.kind == "DaemonSet")) as $set | (.[] | select(.kind == "PodMonitor")) as $monitor
	| [{objects: ., set: $set, pod: $set.spec.template.spec, monitor: $monitor,
		container: $set.spec.template.spec.containers[0]}]' "$TMP/list.json" >"$TMP/all.json"
check_json "every object has its version, kind and name" \
	'all(.objects[]; .apiVersion and .kind and .metadata.name)'
check_json "the selectors choose the pods" \
	'.set.spec.template.metadata.labels as $labels
	| [.set, .monitor] | all(.[]; .spec.selector.matchLabels == $labels)'
check_json "it sees the node's processes" '.pod.hostPID'
check_json "its account is one of these" \
	'.pod.serviceAccountName as $name | any(.objects[]; .kind == "ServiceAccount" and .metadata.name == $name)'
check_json "it has no capability but BPF and PERFMON" \
	'.container.securityContext.capabilities == {drop: ["ALL"], add: ["BPF", "PERFMON"]}'
check_json "it can neither write its root nor gain privileges" \
	'.container.securityContext | .readOnlyRootFilesystem and .allowPrivilegeEscalation == false'
check_json "it has resources" '.container.resources | .requests.cpu and .requests.memory and .limits.memory'
check_json "its volumes are there" '([.pod.volumes[].name] | sort) == ([.container.volumeMounts[].name] | sort)'
check_json "probes and monitor go to its port" '.container | .ports[0].name as $port
	| [.livenessProbe, .readinessProbe, .startupProbe] | all(.[]; .httpGet.port == $port)'
check_json "the monitor too" '.container.ports[0].name == .monitor.spec.podMetricsEndpoints[0].port'
mapfile -t arguments < <(jq -r '.[].container.args[]' "$TMP/all.json")
check "its arguments are the program's" "$FAULTMAP" "${arguments[@]}" --help
while read -r path; do
	check "the daemon serves $path" grep -q "\"$path\"" src/serve/web.c
done < <(jq -r '.[] | .container[] | objects | .httpGet.path // empty' "$TMP/all.json"; echo /metrics)

# Types of every field, from the API's own description.
if ! timeout 60 npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$TMP/npm" \
	typescript@5 kubernetes-types@1.30 @kubernetes-models/prometheus-operator@6 >"$TMP/npm.out" 2>&1; then
	skip "each field is one of Kubernetes', of its type" "npm or its registry is not here"
	done_testing
fi

# check_types OBJECTS: whether TypeScript takes them for what they say they are.
check_types()
{
	jq -r '
		{DaemonSet: ["DaemonSet", "kubernetes-types/apps/v1"],
			Namespace: ["Namespace", "kubernetes-types/core/v1"],
			ServiceAccount: ["ServiceAccount", "kubernetes-types/core/v1"],
			PodMonitor: ["IPodMonitor",
				"@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor"]} as $types
		| to_entries[] | .key as $i | .value | $types[.kind] as [$type, $from]
		| "import { \($type) as T\($i) } from \"\($from)\";\n" +
			"export const o\($i): T\($i) = \(tojson);"' "$1" >"$TMP/npm/objects.ts" &&
		"$TMP/npm/node_modules/.bin/tsc" --noEmit --strict --skipLibCheck \
			--moduleResolution node "$TMP/npm/objects.ts"
}

check "each field is one of Kubernetes', of its type" check_types "$TMP/list.json"
for wrong in '(.[] | select(.kind == "DaemonSet") | .spec.template.spec.hostPid) = true' \
	'(.[] | select(.kind == "PodMonitor") | .spec.podMetricsEndpoints[0].interval) = 15'; do
	jq "$wrong" "$TMP/list.json" >"$TMP/wrong.json"
	check_status "one that is not is found: $wrong" 2 check_types "$TMP/wrong.json"
done
done_testing
