# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh: clean roots of Debian's releases, each made once, and what runs a command in one.

# Outside of the tree, which `make clean` would take it with. An apt-get update brings it up to date.
cache=${FAULTMAP_CACHE:-/var/cache/faultmap}
base=$cache/bookworm-minbase.tar.zst
root=$TMP/root

# make_base [RELEASE]: bookworm unless named; sets $base. From the mirror that this machine uses for its own release,
# if it has one; else from Debian's own.
make_base()
{
	local release=${1:-bookworm} mirror new

	base=$cache/$release-minbase.tar.zst
	[ ! -s "$base" ] || return 0
	mkdir -p "$cache"
	new=$cache/new-$$.tar.zst
	# shellcheck disable=SC2016 # of apt's variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' |
		head -n 1)
	# A mirror may be some days behind, which sid's index is signed for.
	mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' "$release" "$new" \
		${mirror:+"$mirror"} && mv "$new" "$base" || { rm -f "$new"; return 1; }
}

# unpack_root ARCHIVE: into $root. The mounts are in a namespace of the command's own: none outlives it, and no
# clean-up here can meet one.
unpack_root()
{
	mkdir "$root" && tar -C "$root" -xf "$1" && cp /etc/resolv.conf "$root/etc/" || return 1
	cat >"$TMP/enter" <<-END
		#!/bin/sh
		exec unshare -m --propagation private sh -c '
			mount --rbind /proc "\$0/proc" && mount --rbind /sys "\$0/sys" &&
			mount -t tmpfs none "\$0/dev/shm" &&
			exec chroot "\$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
				DEBIAN_FRONTEND=noninteractive "\$@"' "$root" "\$@"
	END
	chmod 755 "$TMP/enter"
}

# in_root COMMAND... An hour, for a build of everything on a busy machine.
in_root()
{
	timeout "$(longer 3600)" "$TMP/enter" "$@"
}

# make_build_root RELEASE: sets $root up with what `make deb` installs, and faketime: from the cache, or from a clean
# one that goes to the cache then. sid is not kept: it is another one each day. What it says is in $TMP/build-root.
make_build_root()
{
	local built=$cache/$1-deb-$(cksum <packaging/deps.sh | cut -d' ' -f1).tar.zst

	if [ -s "$built" ]; then
		unpack_root "$built"
		return
	fi
	if [ "$1" = sid ]; then
		base=$cache/sid-minbase.tar.zst
		[ -z "$(find "$base" -mtime +6 2>/dev/null)" ] || rm -f "$base"
	fi
	make_base "$1" && unpack_root "$base" && cp packaging/deps.sh "$root/tmp/" &&
		in_root /tmp/deps.sh build deb >"$TMP/build-root" 2>&1 &&
		in_root apt-get -qq -y --no-install-recommends install faketime >>"$TMP/build-root" 2>&1 &&
		in_root apt-get clean || return 1
	[ "$1" = sid ] || {
		rm -f "$cache/$1-deb-"*.tar.zst
		tar -C "$root" --zstd -cf "$cache/new-$$.tar.zst" . && mv "$cache/new-$$.tar.zst" "$built"
	}
}

# unpack_source DIRECTORY: $archive, of `make dist`, in the root, with what packaging/README.md says.
unpack_source()
{
	mkdir -p "$root$1" && cp "$archive" "$root$1/" && tar -C "$root$1" -xf "$archive" &&
		cp -r "$root$1/faultmap-$version/packaging/deb" "$root$1/faultmap-$version/debian"
}

# build DIRECTORY COMMAND...: the command there. What it says is in $TMP/log.
build()
{
	# shellcheck disable=SC2016
	in_root sh -c 'cd "$0/faultmap-$1" && shift && exec "$@"' "$1" "$version" "${@:2}" >"$TMP/log" 2>&1 || {
		tail -n 40 "$TMP/log"
		return 1
	}
}
