# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian packages of any suite and architecture, through an apt of our own below $CACHE: the system's lists,
# sources and packages stay as they are, and no root is needed. apt verifies what it fetches with
# Debian's keyring.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
lists_max_age_min=720

# The archive that the system itself uses. apt names none before its first `apt-get update`.
mirror_of()
{
	apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep "/$1/*\$" | sort -u | head -n 1
}

write_sources()
{
	local suite=$1 arch=$2 mirror security s suites

	mirror=${MIRROR:-$(mirror_of debian)}
	security=${SECURITY_MIRROR:-$(mirror_of debian-security)}
	if [ -z "$mirror" ] || [ -z "$security" ]; then
		echo "no Debian archive in this system's apt sources: run apt-get update, or set" \
			"MIRROR and SECURITY_MIRROR" >&2
		return 1
	fi
	# bullseye is archived: it has neither updates nor backports any more.
	suites="$suite $suite-updates $suite-backports"
	[ "$suite" != bullseye ] || suites=$suite
	for s in $suites; do
		echo "deb [arch=$arch signed-by=$keyring] $mirror $s main"
	done
	echo "deb [arch=$arch signed-by=$keyring] $security $suite-security main"
}

write_apt_conf()
{
	local dir=$1 arch=$2

	cat <<-CONF
		APT::Architecture "$arch"; APT::Architectures "$arch"; APT::Sandbox::User "";
		APT::Install-Recommends "false"; Debug::NoLocking "1"; Acquire::Languages "none";
		Acquire::GzipIndexes "true"; Acquire::Retries "3";
		Dir::State "$dir"; Dir::State::Lists "$dir/lists"; Dir::State::status "$dir/status";
		Dir::Cache "$dir"; Dir::Cache::archives "$dir/archives";
		Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
		Dir::Etc::sourcelist "$dir/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::main "/dev/null";
		Dir::Etc::parts "$dir/parts"; Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
	CONF
}

# use_suite SUITE ARCH: what apt commands of this shell speak of from now on.
use_suite()
{
	local dir=$CACHE/apt/$1-$2

	export APT_CONFIG=$dir/apt.conf
	if [ -e "$dir/updated" ] &&
		[ -z "$(find "$dir/updated" -mmin "+$lists_max_age_min")" ]; then
		return
	fi
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts"
	: >"$dir/status"
	# The mirrors are those of the system's own configuration.
	(unset APT_CONFIG && write_sources "$1" "$2") >"$dir/sources.list" || return
	write_apt_conf "$dir" "$2" >"$dir/apt.conf"
	if ! apt-get -qq update >"$dir/log" 2>&1; then
		echo "apt-get update for $1 $2 failed: $(grep -m 1 '^[EW]:' "$dir/log")" >&2
		return 1
	fi
	touch "$dir/updated"
}

# The releases of kernel packages whose name matches, as uname -r prints them; newest first.
kernel_releases()
{
	apt-cache dumpavail | awk -v pattern="^linux-image-($1)\$" '
		/^Package: / { package = $2 }
		/^Version: / && package ~ pattern && package !~ /dbg|unsigned/ {
			print $2, substr(package, length("linux-image-") + 1)
		}' | sort -u -rV | awk '{ print $2 }'
}

# unpack ARCHIVE ROOT: without the maintainer's scripts; /bin may be a link to usr/bin there.
unpack()
{
	dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"
}
