#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What `make install` and `make uninstall` do: one list says what goes where.
# usage: packaging/install.sh install|uninstall, with BUILD, PREFIX, SYSCONFDIR, UNITDIR, ZSHDIR,
# VERSION and, if wanted, DESTDIR in the environment.

set -eu
umask 022
: "${BUILD:?}" "${PREFIX:?}" "${SYSCONFDIR:?}" "${UNITDIR:?}" "${ZSHDIR:?}" "${VERSION:?}"
DESTDIR=${DESTDIR:-}
share=$PREFIX/share
cd "$(dirname "$(realpath "$0")")/.."
shopt -s nullglob

# Prints a line HOW SOURCE TARGET for each file. text: paths and version are filled in. config: an
# existing file is kept, as the administrator may have changed it.
list()
{
	local page data

	echo "program $BUILD/faultmap $PREFIX/bin/faultmap"
	for page in packaging/man/*; do
		echo "text $page $share/man/man${page##*.}/${page##*/}"
	done
	echo "file packaging/completion/faultmap.bash $share/bash-completion/completions/faultmap"
	echo "file packaging/completion/faultmap.zsh $ZSHDIR/_faultmap"
	echo "file packaging/completion/faultmap.fish $share/fish/vendor_completions.d/faultmap.fish"
	echo "text packaging/systemd/faultmap.service $UNITDIR/faultmap.service"
	echo "text packaging/systemd/faultmap.socket $UNITDIR/faultmap.socket"
	echo "text packaging/systemd/faultmap-guard@.service $UNITDIR/faultmap-guard@.service"
	echo "file packaging/systemd/faultmap.preset ${UNITDIR%/*}/system-preset/90-faultmap.preset"
	for data in packaging/systemd/no-sys-admin.conf packaging/faultmap.schema.json; do
		echo "file $data $share/faultmap/${data##*/}"
	done
	echo "text packaging/prometheus/faultmap.rules.yml $share/faultmap/prometheus/faultmap.rules.yml"
	for data in packaging/{prometheus,grafana,mixin}/{,*/}*.{json,md,libsonnet}; do
		echo "file $data $share/faultmap/${data#packaging/}"
	done
	echo "config packaging/faultmap.conf $SYSCONFDIR/faultmap/faultmap.conf"
	echo "config packaging/logrotate/faultmap $SYSCONFDIR/logrotate.d/faultmap"
}

# fill SOURCE: prints it with paths and version filled in.
fill()
{
	sed -e "s|/usr/bin/faultmap|$PREFIX/bin/faultmap|g" \
		-e "s|/usr/share/faultmap|$share/faultmap|g" -e "s|@VERSION@|$VERSION|g" "$1"
}

# put HOW SOURCE TARGET
put()
{
	local target=$DESTDIR$3

	mkdir -p "$(dirname "$target")"
	case $1 in
	program) install -m 755 "$2" "$target" ;;
	file) install -m 644 "$2" "$target" ;;
	text)
		fill "$2" >"$target"
		chmod 644 "$target"
		;;
	config) [ -e "$target" ] || install -m 644 "$2" "$target" ;;
	esac
}

# take HOW SOURCE TARGET: removes it, unless it was changed after it was installed.
take()
{
	local target=$DESTDIR$3

	if [ "$1" = config ] && [ -e "$target" ] && ! cmp -s "$2" "$target"; then
		echo "$target was changed: left there"
	else
		rm -f "$target"
	fi
}

case ${1:-} in
install) action=put ;;
uninstall) action=take ;;
*)
	echo "usage: packaging/install.sh install|uninstall" >&2
	exit 2
	;;
esac
list | while read -r how from to; do
	"$action" "$how" "$from" "$to"
done
if [ "$1" = uninstall ]; then
	for own in "$DESTDIR$share/faultmap" "$DESTDIR$SYSCONFDIR/faultmap"; do
		[ ! -d "$own" ] || find "$own" -depth -type d -empty -delete
	done
fi
