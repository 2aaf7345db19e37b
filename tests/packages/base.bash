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
	mmdebstrap --quiet --variant=minbase "$release" "$new" ${mirror:+"$mirror"} && mv "$new" "$base"
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

# in_root COMMAND...
in_root()
{
	timeout "$(longer 500)" "$TMP/enter" "$@"
}
