#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A container image for two architectures: of each a tree of Debian 12 with the package and what it depends on, from no
# registry, with the settings of the container file; one manifest that lists both; and each image started, the
# foreign one under QEMU's emulation of a CPU. There is no bpf() there: what arm64 counts is for make check-vm. The
# native image of the container file itself is for tests/packages/container.sh.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

release=$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)
emulator=$(command -v qemu-aarch64-static)
# runc, for crun refuses the mix of both cgroup versions that some machines have.
engine=(podman --root "$TMP/storage" --runroot "$TMP/run" --storage-driver vfs
	--cgroup-manager cgroupfs --runtime runc)
manifest=localhost/faultmap:$release
cgroups=$(find /sys/fs/cgroup -depth -type d \( -path '*/libpod_parent*' -o -name conmon \) | sort)

# What podman leaves below /sys/fs/cgroup, if it was not there before.
cleanup_podman()
{
	local group

	find /sys/fs/cgroup -depth -type d \( -path '*/libpod_parent*' -o -name conmon \) | sort |
		comm -13 <(echo "$cgroups") - | sort -r | while read -r group; do
		rmdir "$group" 2>/dev/null
	done
	return 0
}

# make_deb ARCHITECTURE: sets $deb; what arm64.sh or `make deb` left is taken.
make_deb()
{
	local build=$BUILD

	[ "$1" = amd64 ] || build=$BUILD/$1
	deb=$build/deb/faultmap_${release}_$1.deb
	[ -e "$deb" ] || env -u MAKEFLAGS -u MAKELEVEL -u FAULTMAP make -s deb "ARCH=${1/amd64/x86}" "BUILD=$build"
}

# make_tree ARCHITECTURE: packages are unpacked, none of their scripts is run: no program of a foreign CPU starts.
make_tree()
{
	local mirror tree=$TMP/$1/tree libraries

	libraries=$(dpkg-deb -f "$deb" Depends | sed 's/ *([^)]*)//g; s/ *|[^,]*//g; s/ //g')
	# shellcheck disable=SC2016 # of apt's variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
	mkdir "$TMP/$1" && mmdebstrap --quiet --variant=extract "--architectures=$1" "--include=base-files,$libraries" \
		bookworm "$tree" ${mirror:+"$mirror"} && dpkg-deb -x "$deb" "$tree" &&
		printf 'root:x:0:0:root:/root:/bin/sh\n' >"$tree/etc/passwd" && printf 'root:x:0:\n' >"$tree/etc/group"
}

# setting WORD: of the container file's last stage.
setting()
{
	sed -n "s/^$1 *//p" packaging/container/Dockerfile
}

# make_image ARCHITECTURE: the tree with the container file's settings, in the manifest. Its identity is in ARCHITECTURE/id.
make_image()
{
	local word changes=()

	for word in USER EXPOSE ENTRYPOINT CMD; do
		changes+=(--change "$word $(setting "$word")")
	done
	tar -C "$TMP/$1/tree" -c . | timeout 600 "${engine[@]}" import -q --os linux --arch "$1" "${changes[@]}" - \
		"localhost/faultmap-$1" >"$TMP/$1/id" && "${engine[@]}" manifest add "$manifest" \
		"containers-storage:localhost/faultmap-$1"
}

# start ARCHITECTURE ARGUMENT...: the program of that image of the manifest. QEMU refuses a program of another
# architecture. Podman 4 warns of the manifest's own.
start()
{
	local with=()

	[ "$1" = "$native" ] || with=(-v "$emulator:/emulator:ro" --entrypoint '["/emulator", "/usr/bin/faultmap"]')
	timeout "$(longer 120)" "${engine[@]}" run --rm --pull=never --network=none --read-only --cap-drop=ALL --ulimit nofile=4096:4096 \
		--ulimit nproc=4096:4096 "${with[@]}" --platform "linux/$1" "$manifest" "${@:2}"
}

native=$(dpkg --print-architecture)
if [ "$native" != amd64 ]; then
	skip "an image for amd64 and arm64" "it is made on amd64"
	done_testing
fi
if [ -z "$emulator" ] || ! command -v aarch64-linux-gnu-gcc >/dev/null; then
	skip "an image for amd64 and arm64" "no cross compiler or no emulator here: sudo packaging/deps.sh arm64 emulator"
	done_testing
fi
trap 'cleanup_podman; cleanup_test' EXIT
check "podman manifest create" "${engine[@]}" manifest create "$manifest"
for architecture in amd64 arm64; do
	check "$architecture: its package" make_deb "$architecture"
	check "$architecture: a tree with the package and what it depends on" make_tree "$architecture"
	check "$architecture: an image of it, in the manifest" make_image "$architecture"
done
"${engine[@]}" manifest inspect "$manifest" >"$TMP/manifest"
check_equal "podman manifest inspect: it is a list of images" "$(jq -r .mediaType "$TMP/manifest" |
	grep -cE 'manifest\.list\.v2|image\.index\.v1')" 1
check_equal "for both" "$(jq -r '.manifests[].platform | "\(.os)/\(.architecture)"' "$TMP/manifest" | sort)" \
	$'linux/amd64\nlinux/arm64'
check_equal "each has its own" "$(jq -r '.manifests[].digest' "$TMP/manifest" | sort -u | wc -l)" 2
if ! timeout 120 "${engine[@]}" run --rm --pull=never --network=none --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
	--platform linux/amd64 "$manifest" --version >"$TMP/out" 2>"$TMP/err"; then
	skip "the images start" "podman cannot run any here: $(tail -n 1 "$TMP/err")"
	done_testing
fi
for architecture in amd64 arm64; do
	check_equal "$architecture: its program starts, chosen by --platform" "$(start "$architecture" --version 2>"$TMP/err")" "$("$FAULTMAP" --version)"
	start "$architecture" check --json >"$TMP/check" 2>"$TMP/err"
	check_equal "$architecture: check looks for what the native program does" "$(jq -r .feature "$TMP/check")" \
		"$("$FAULTMAP" check --json | jq -r .feature)"
	"${engine[@]}" inspect "$(cat "$TMP/$architecture/id")" >"$TMP/image"
	check_equal "$architecture: the image is one of that architecture, with the container file's settings" \
		"$(jq -c '.[0] | [.Architecture, .Config.User, .Config.Entrypoint, .Config.Cmd, .Config.ExposedPorts]' "$TMP/image")" \
		"$(jq -nc --arg architecture "$architecture" --argjson entrypoint "$(setting ENTRYPOINT)" \
			--argjson cmd "$(setting CMD)" --arg user "$(setting USER)" --arg port "$(setting EXPOSE)/tcp" \
			'[$architecture, $user, $entrypoint, $cmd, {($port): {}}]')"
	readelf -h "$TMP/$architecture/tree/usr/bin/faultmap" >"$TMP/header"
	check_contains "$architecture: so is its program" "$TMP/header" "Machine: .*$(
		[ "$architecture" = amd64 ] && echo X86-64 || echo AArch64)"
done
done_testing
