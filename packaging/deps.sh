#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs what is missing to build (default), test, package or bench faultmap, to link it statically or to build
# it for arm64, through apt. When nothing is missing it needs neither network nor root. Without apt it
# can only say what is missing.
# usage: packaging/deps.sh [build|unit|test|deb|rpm|packages|soak|bench|static|arm64|emulator|musl|vm|fuzz|valgrind|page|foreign]...

set -eu
PATH=$PATH:/usr/sbin:/sbin

# Debian's package name = a command, a pkg-config name or a Python module that proves that it is installed.
build='gcc=gcc libc6-dev=gcc make=make pkg-config=pkg-config clang=clang bpftool=bpftool
	python3=python3 libbpf-dev=libbpf.pc libelf-dev=libelf.pc zlib1g-dev=zlib.pc libzstd-dev=libzstd.pc
	libmicrohttpd-dev=libmicrohttpd.pc libjansson-dev=jansson.pc libcap-ng-dev=libcap-ng.pc
	libgnutls28-dev=gnutls.pc libyaml-dev=yaml-0.1.pc
	libcrypt-dev=libcrypt.pc libinih-dev=inih.pc
	libseccomp-dev=libseccomp.pc libdw-dev=libdw.pc libiberty-dev=libiberty.a
	libprotobuf-c-dev=libprotobuf-c.pc protobuf-c-compiler=protoc-c libncurses-dev=ncursesw.pc
	libcurl4-gnutls-dev=libcurl.pc'
unit='libcmocka-dev=cmocka.pc jq=jq procps=ps mandoc=mandoc groff-base=groff'
test='libcmocka-dev=cmocka.pc jq=jq procps=ps curl=curl strace=strace clang-format=clang-format
	prometheus=prometheus bpftrace=bpftrace openssl=openssl perl=perl mandoc=mandoc groff-base=groff
	zsh=zsh fish=fish llvm=llvm-objdump tmux=tmux
	systemd=systemd-socket-activate systemd-container=systemd-nspawn
	python3-prometheus-client=prometheus_client.py logrotate=logrotate
	python3-jsonschema=jsonschema.py python3-fastjsonschema=fastjsonschema.py
	chromium=chromium python3-yaml=yaml.py jsonnet=jsonnet zstd=zstd'
soak='jq=jq procps=ps curl=curl'
deb='build-essential=g++ debhelper=dh dpkg-dev=dpkg-buildpackage'
rpm='rpm=rpmbuild'
packaging='lintian=lintian rpmlint=rpmlint cpio=cpio curl=curl mmdebstrap=mmdebstrap
	podman=podman runc=runc jq=jq procps=ps python3-yaml=yaml.py'
bench='linux-perf=perf bpftrace=bpftrace procps=ps curl=curl jq=jq htop=htop tmux=tmux'
vm='qemu-system-x86=qemu-system-x86_64 qemu-system-arm=qemu-system-aarch64 kmod=modprobe
	e2fsprogs=mkfs.ext4 cpio=cpio xz-utils=xz mmdebstrap=mmdebstrap openssh-client=ssh curl=curl
	prometheus=promtool
	gcc-aarch64-linux-gnu=aarch64-linux-gnu-gcc libc6-dev-arm64-cross=aarch64-linux-gnu-gcc'

# Static libraries that those above refer to.
static='libunistring-dev=libunistring.a libbz2-dev=libbz2.a liblzma-dev=liblzma.a'
fuzz='libclang-rt-dev=clang'
valgrind='valgrind=valgrind'
# Third-party programs.
others='linux-perf=perf redis-server=redis-server redis-tools=redis-cli sqlite3=sqlite3 jq=jq procps=ps
	protobuf-compiler=protoc python3-protobuf=google.protobuf.py'
command -v initdb >/dev/null || [ -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)" ] ||
	others="$others postgresql=initdb"
command -v java >/dev/null || others="$others default-jdk-headless=java"
command -v node >/dev/null || others="$others nodejs=node"
page='chromium=chromium'
golang='golang-go=go'
# Node's own packages have it too.
command -v npm >/dev/null || page="$page npm=npm"
arm64='gcc-aarch64-linux-gnu=aarch64-linux-gnu-gcc'
emulator='qemu-user-static=qemu-aarch64-static'
musl='musl-tools=musl-gcc gperf=gperf autoconf=autoreconf automake=automake libtool=libtoolize
	dpkg-dev=dpkg-source'

wanted=$build foreign=
for set in "$@"; do
	case $set in
	build) ;;
	unit) wanted="$wanted $unit" ;;
	test) wanted="$wanted $test $static" ;;
	soak) wanted="$wanted $soak" ;;
	deb) wanted="$wanted $deb" ;;
	rpm) wanted="$wanted $rpm" ;;
	packages) wanted="$wanted $deb $rpm $packaging" ;;
	bench) wanted="$wanted $bench" ;;
	vm) wanted="$wanted $vm" ;;
	fuzz) wanted="$wanted $fuzz" ;;
	valgrind) wanted="$wanted $valgrind" ;;
	page) wanted="$wanted $page" ;;
	foreign) wanted="$wanted $test $others $golang" ;;
	static) wanted="$wanted $static" ;;
	arm64) wanted="$wanted $arm64" foreign=arm64 ;;
	emulator) wanted="$wanted $emulator" ;;
	musl) wanted="$wanted $musl" ;;
	*)
		echo "usage: packaging/deps.sh [build|unit|test|deb|rpm|packages|soak|bench|static|arm64|emulator|musl|vm|fuzz|valgrind|page|foreign]..." >&2
		exit 2
		;;
	esac
done

# The libraries of another architecture are Debian's own, beside the native ones (multiarch).
if [ "$foreign" ]; then
	for want in $build $static; do
		case $want in
		*.pc | *.a) wanted="$wanted ${want%%=*}:$foreign=${want#*=}" ;;
		esac
	done
fi

# The package as dpkg knows it, so that a half-installed one does not pass; of another architecture
# only when its name says so.
installed()
{
	local architecture=${1#*:}

	[ "$architecture" != "$1" ] || architecture=$(dpkg --print-architecture)
	dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "${1%:*}" 2>/dev/null |
		grep -qxE "($architecture|all) installed"
}

# Whether it is installed, from whatever package.
available()
{
	case $1 in
	*.a) [ "$(gcc -print-file-name="$1")" != "$1" ] ;;
	*.pc) pkg-config --exists "${1%.pc}" 2>/dev/null ;;
	*.py) /usr/bin/python3 -c "import ${1%.py}" 2>/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

has_apt=$(command -v apt-get) || has_apt=
packages=() names=()
for want in $wanted; do
	package=${want%%=*} name=${want#*=}
	if [ -n "$has_apt" ]; then installed "$package"; else available "$name"; fi && continue
	packages+=("$package")
	names+=("${name%.p[cy]}")
done
[ ${#packages[@]} -gt 0 ] || exit 0

if [ -z "$has_apt" ]; then
	echo "deps.sh: no apt on this system; install by hand what provides: ${names[*]}" \
		"(Debian's packages: ${packages[*]})" >&2
	exit 1
fi
# dpkg checks the user, not capabilities.
if [ "$(id -u)" -ne 0 ]; then
	echo "deps.sh: not root, cannot install: ${packages[*]}; run it with sudo" >&2
	exit 1
fi

# Keeps Debian from starting services that it installs (prometheus, on port 9090). A policy that the
# administrator has made is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

apt()
{
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		"$@" </dev/null >/dev/null
}

# Enabled timers.
timers()
{
	find /etc/systemd/system/timers.target.wants -name '*.timer' -printf '%f\n' 2>/dev/null | sort
}

timers_before=$(timers)
echo "deps.sh: installing ${packages[*]}"
[ -z "$foreign" ] || dpkg --add-architecture "$foreign"
if ! apt update || ! apt -y --no-install-recommends install "${packages[@]}"; then
	echo "deps.sh: apt could not install: ${packages[*]}" >&2
	exit 1
fi
# Nor at the next boot: the tests start their own. No timers either (debhelper brings man-db's).
timers | comm -13 <(echo "$timers_before") - | while read -r timer; do
	if command -v systemctl >/dev/null; then
		systemctl --quiet disable "$timer"
	else
		rm "/etc/systemd/system/timers.target.wants/$timer"
	fi
done
case " ${packages[*]} " in
*" prometheus "*) ! command -v systemctl >/dev/null || systemctl --quiet disable prometheus ;;
esac
