# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What a guest boots from: kernel, initramfs, a disk with Debian's programs and one with the tests.
# Kernels and programs are kept in $CACHE, by release and by list of packages.
# shellcheck disable=SC2034

# Beyond what the live tests call, what the kernel side needs to be looked at by hand.
programs='bash coreutils dash findutils grep sed mawk diffutils gzip tar util-linux mount procps jq
	python3 python3-fastjsonschema curl bpftool e2fsprogs strace libc-bin binutils
	libcap2-bin hostname xxd busybox-static kmod'

# Loaded by the initramfs, where the kernel has them as modules: the disk, its file system (not in the
# cloud flavour, which has both built in), swap, persistent memory.
modules='crc32c_generic crc32c-intel nvme ext4 lzo-rle lzo lz4hc zram overlay nd_pmem nd_e820'

# The package of a shared library, which dpkg may know by its path before /lib became a link.
package_of()
{
	local path

	path=$(realpath "$1")
	dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "${path#/usr}" 2>/dev/null
}

# Debian's packages of the libraries that faultmap was linked with.
library_packages()
{
	local path

	ldd "$BUILD/faultmap" | awk '$2 == "=>" { print $3 }' | while read -r path; do
		package_of "$path" | sed 's/:.*//'
	done | sort -u
}

# kernel SUITE ARCH PATTERN: sets $RELEASE, the newest that can be had; its files are in
# $CACHE/kernels/$RELEASE.
kernel()
{
	local release

	use_suite "$1" "$2" || return
	for release in $(candidates "$2" "$3"); do
		if has_kernel "$release" || fetch_kernel "$release"; then
			RELEASE=$release
			return
		fi
	done
	echo "no kernel that matches $3 can be had from $1, $2" >&2
	return 1
}

# has_kernel RELEASE: it is in the cache, with the modules that are wanted today.
has_kernel()
{
	[ "$(cat "$CACHE/kernels/$1/wanted" 2>/dev/null)" = "$modules" ]
}

# candidates ARCH PATTERN: newest:N stands for the Nth newest series (7.3 is one).
candidates()
{
	case $2 in
	newest:*)
		kernel_releases "[0-9].*-cloud-$1" | awk -F . -v wanted="${2#newest:}" '
			$1 "." $2 != series { series = $1 "." $2; nth++ }
			nth == wanted'
		;;
	*) kernel_releases "$2" ;;
	esac
}

# Up to 6.18 all is in linux-image; later it is shared out, and linux-image is empty.
fetch_kernel()
{
	local release=$1 dir=$CACHE/kernels/$1 package packages=() file status

	rm -rf "$dir"
	mkdir -p "$dir/root"
	for package in image binary modules; do
		package=linux-$package-$release
		! apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [0-9]' ||
			packages+=("$package")
	done
	# An index may name a file that the mirror has dropped.
	if ! (cd "$dir" && apt-get -qq download "${packages[@]}") >"$dir/log" 2>&1; then
		echo "# $release cannot be had: $(grep -m 1 -E '404|^E:' "$dir/log")" >&2
		rm -rf "$dir"
		return 1
	fi
	for file in "$dir"/*.deb; do
		unpack "$file" "$dir/root"
	done
	[ -d "$dir/root/lib" ] || ln -s usr/lib "$dir/root/lib"
	keep_kernel "$release" "$dir"
	status=$?
	rm -rf "$dir/root" "$dir"/*.deb
	[ "$status" -ne 0 ] || echo "$modules" >"$dir/wanted"
	return "$status"
}

# Of a hundred megabytes: the kernel, and the modules in the order in which they load.
keep_kernel()
{
	local release=$1 dir=$2 number=10 module

	mkdir -p "$dir/modules"
	depmod -b "$dir/root" "$release" 2>>"$dir/log" || return
	for module in $modules; do
		modprobe -d "$dir/root" -S "$release" --show-depends "$module" 2>/dev/null
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$dir/order"
	while read -r module; do
		case $module in
		*.xz) xz -dc "$module" >"$dir/modules/$number-$(basename "$module" .xz)" ;;
		*) cp "$module" "$dir/modules/$number-$(basename "$module")" ;;
		esac
		number=$((number + 1))
	done <"$dir/order"
	for module in "$dir/root/boot/vmlinuz-$release" "$dir/root/lib/modules/$release/vmlinuz"; do
		[ -e "$module" ] && mv "$module" "$dir/vmlinuz" && return
	done
	echo "no vmlinuz in the packages of $release" >&2
	return 1
}

libraries=

# userland ARCH: sets $USERLAND, a directory with root/ and root.img: Debian's programs of this suite.
userland()
{
	local arch=$1 packages key

	: "${libraries:=$(library_packages)}"
	# shellcheck disable=SC2086
	packages=$(printf '%s\n' $programs $libraries | sort -u)
	key=$(md5sum <<<"$SUITE $packages $(declare -f make_root finish_root)" | cut -c -12)
	USERLAND=$CACHE/userland/$SUITE-$arch-$key
	[ ! -e "$USERLAND/root.img" ] || return 0
	rm -rf "$USERLAND"
	fetch_root "$arch" "$USERLAND" "$packages" && finish_root "$USERLAND/root" &&
		disk "$USERLAND/root" "$USERLAND/partial.img" 768 &&
		mv "$USERLAND/partial.img" "$USERLAND/root.img"
}

# fetch_root ARCH DIRECTORY PACKAGES: unpacks them and all that they depend on into DIRECTORY/root.
fetch_root()
{
	local arch=$1 dir=$2 packages=$3 archive

	echo "# fetching Debian's packages of $SUITE for $arch" >&2
	mkdir -p "$dir/archives/partial"
	use_suite "$SUITE" "$arch" || return
	# The dpkg status is empty: nothing counts as installed.
	# shellcheck disable=SC2086
	if ! apt-get -qq -y --download-only -o "Dir::Cache::archives=$dir/archives" \
		install $packages >"$dir/log" 2>&1; then
		echo "apt could not fetch packages for $arch: $(grep -m 1 '^E:' "$dir/log")" >&2
		return 1
	fi
	make_root "$dir/root"
	for archive in "$dir"/archives/*.deb; do
		unpack "$archive" "$dir/root" || return
	done
	rm -rf "$dir/archives"
}

make_root()
{
	local dir

	mkdir -p "$1"/{usr,dev,proc,sys,run,tmp,root,mnt,etc,faultmap}
	for dir in bin sbin lib lib64; do
		mkdir -p "$1/usr/$dir"
		ln -sfn "usr/$dir" "$1/$dir"
	done
}

# What maintainers' scripts would have done.
finish_root()
{
	echo root:x:0:0:root:/root:/bin/bash >"$1/etc/passwd"
	echo nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >>"$1/etc/passwd"
	echo root:x:0: >"$1/etc/group"
	echo 127.0.0.1 localhost >"$1/etc/hosts"
	ln -sf mawk "$1/usr/bin/awk"
	rm -rf "$1"/usr/share/{doc,man,locale,info,lintian}
	# Of the same suite: otherwise each import in the guest compiles, which takes ten seconds.
	/usr/bin/python3 -m compileall -q -s "$1" -p / "$1"/usr/lib/python3*
	[ -e "$1/bin/sh" ] || ln -s dash "$1/bin/sh"
	[ -x "$1/bin/busybox" ] && [ -x "$1/usr/bin/jq" ] && [ -x "$1/bin/bash" ]
}

# disk DIRECTORY IMAGE MIB: an ext4 file system with what the directory holds.
disk()
{
	rm -f "$2"
	truncate -s "$3M" "$2" && mkfs.ext4 -q -F -d "$1" -E root_owner=0:0 -O ^has_journal "$2"
}

# What a build for another architecture takes from Debian: the libraries that deps.sh installs.
libraries_to_link()
{
	echo libc6-dev
	grep -oE '[a-z0-9.-]+-dev=[a-zA-Z0-9.-]+\.(pc|a)' packaging/deps.sh | sed 's/=.*//'
}

# sysroot ARCH: sets $SYSROOT, a directory with Debian's libraries of this suite.
sysroot()
{
	local packages key

	packages=$(libraries_to_link)
	key=$(md5sum <<<"$packages" | cut -c -12)
	SYSROOT=$CACHE/sysroot/$SUITE-$1-$key
	[ ! -e "$SYSROOT/ready" ] || return 0
	fetch_root "$1" "$SYSROOT" "$packages" && touch "$SYSROOT/ready"
}

# programs_for ARCH: sets $PROGRAMS, a build directory with faultmap and the workloads for it.
programs_for()
{
	PROGRAMS=$BUILD
	[ "$1" != "$(dpkg --print-architecture)" ] || return 0
	PROGRAMS=$WORK/build-$1
	if ! command -v aarch64-linux-gnu-gcc >/dev/null; then
		echo "no aarch64-linux-gnu-gcc to build for $1: run sudo packaging/deps.sh vm" >&2
		return 1
	fi
	sysroot "$1" || return
	if ! make BUILD="$PROGRAMS" ARCH="$1" SYSROOT="$SYSROOT/root" CC=aarch64-linux-gnu-gcc \
		all workloads >"$WORK/build-$1.log" 2>&1; then
		echo "cannot build for $1: $(grep -m 1 -iE 'error|missing' "$WORK/build-$1.log")" >&2
		return 1
	fi
}

# tests_disk ARCH: the tests and what they run, as a tree of their own, in $WORK/tests-ARCH.img.
tests_disk()
{
	local tree=$WORK/tree

	[ ! -e "$WORK/tests-$1.img" ] || return 0
	programs_for "$1" || return
	mkdir -p "$tree/build"
	cp -a tests bpf vmlinux "$tree" &&
		cp -a "$PROGRAMS/faultmap" "$PROGRAMS/workload" "$tree/build" &&
		disk "$tree" "$WORK/tests-$1.img" 512 || return
	rm -rf "$tree"
}

# initramfs RELEASE ARCH IMAGE
initramfs()
{
	local root=$WORK/initramfs.$BASHPID

	mkdir -p "$root"/{bin,proc,sys,dev,root,modules}
	cp "$CACHE/kernels/$1/modules"/* "$root/modules/" 2>/dev/null
	cp "$USERLAND/root/bin/busybox" "$root/bin/" && install -m 755 tests/vm/init "$root/init" &&
		(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$3"
	rm -rf "$root"
}
