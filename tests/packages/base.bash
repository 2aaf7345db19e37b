# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after lib.sh: a clean root of Debian 12, made once.

# Outside of the tree, which `make clean` would take it with. An apt-get update brings it up to date.
cache=${FAULTMAP_CACHE:-/var/cache/faultmap}
base=$cache/bookworm-minbase.tar.zst

# From the mirror that this machine uses, if it has one for that release; else from Debian's own.
make_base()
{
	local mirror new=$cache/new.tar.zst

	[ ! -s "$base" ] || return 0
	mkdir -p "$cache"
	# shellcheck disable=SC2016 # of apt's variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' |
		head -n 1)
	mmdebstrap --quiet --variant=minbase bookworm "$new" \
		${mirror:+"$mirror"} && mv "$new" "$base"
}
