#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: symlinks: a race for a name in a sticky directory that root writes to
# In a sticky directory another user makes a name a link to root's file, a file, a FIFO and a link again, as
# fast as possible, while root writes to that name: root's file is unchanged, and the other user can read
# nothing. The short form, without the race, is in live/log.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

ROUNDS=${ROUNDS:-200}

if ! may 0 7; then
	skip "a race for a name" "no CAP_CHOWN and CAP_SETUID to be two users"
	done_testing
fi
chmod 711 "$TMP"
mkdir "$TMP/shared"
chmod 1777 "$TMP/shared"
echo precious >"$TMP/precious"
start_background setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/python3 -c '
import os, sys

name, target = sys.argv[1:]
read = 0
while True:
    for make in (lambda: os.symlink(target, name), lambda: os.mkfifo(name, 0o666),
                 lambda: os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o666)),
                 lambda: os.symlink(os.path.dirname(target) + "/new", name)):
        try:
            os.umask(0)
            make()
            if os.path.isfile(name) and not os.path.islink(name) and os.path.getsize(name):
                print("stolen", flush=True)
        except OSError:
            pass
        try:
            os.unlink(name)
        except OSError:
            pass' "$TMP/shared/name" "$TMP/precious" >"$TMP/stolen"
refused=0 written=0
for ((i = 0; i < ROUNDS; i++)); do
	if timeout "$(longer 60)" "$FAULTMAP" run -o "$TMP/shared/name" -- true 2>"$TMP/err"; then
		written=$((written + 1))
	elif grep -qE "where everybody may write|Permission denied" "$TMP/err"; then # by faultmap, or fs.protected_*
		refused=$((refused + 1))
	else
		cat "$TMP/err"
	fi
	rm -f "$TMP/shared/name"
done
stop_background "$BACKGROUND_PID"
echo "# $refused refused, $written written"
check "some were refused" test "$refused" -gt 0
check_equal "root's file stays" "$(cat "$TMP/precious")" precious
check "nothing was made behind a link" test ! -e "$TMP/new"
check_equal "the other user has read nothing" "$(cat "$TMP/stolen")" ""
done_testing
