#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The daemon's configuration file: what --check-config says of good and bad ones, the file that ships, and the
# privileges of the systemd units.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# check_config NAME STATUS WANTED [FLAG...]: of the file that stdin holds.
check_config()
{
	local name=$1 status=$2 wanted=$3 got
	shift 3

	cat >"$TMP/conf"
	timeout "$(longer 120)" "$FAULTMAP" daemon --config "$TMP/conf" --check-config "$@" \
		>"$TMP/out" 2>"$TMP/err"
	got=$?
	check_equal "$name" "$got:$(cat "$TMP/out" "$TMP/err")" "$status:$wanted"
}

long=$(printf '%0250d' 0)
advice='see faultmap daemon --help'
where="faultmap: $TMP/conf"
check_config "an empty file is good" 0 "$TMP/conf is good" </dev/null
check_config "every form is taken" 0 "$TMP/conf is good" <<-'END'
	# comment
	; comment
	listen = 127.0.0.1:0
	listen=unix:/run/x ; another
	interval : 0.5
	web.enable-lifecycle = yes
	verbose = 2
	slice = 2M
END
check_config "an unknown key" 2 "$where:2: unknown key \"intervall\"; $advice" <<-'END'
	interval = 1
	intervall = 1
END
check_config "the first error counts" 2 "$where:1: unknown key \"a\"; $advice" <<<$'a=1\nb'
check_config "a bad number" 2 \
	"$where:1: interval: \"soon\" is not a number of seconds; give a value from 0.1 to 86400" \
	<<<'interval = soon'
check_config "a bad word" 2 "$where:1: detail: \"slow\" is not known; give one of fast, full" \
	<<<'detail = slow'
check_config "a bad switch" 2 \
	"$where:1: web.enable-lifecycle: \"maybe\" is not known; give yes or no" \
	<<<'web.enable-lifecycle = maybe'
check_config "no value" 2 "$where:1: jsonl has no value" <<<'jsonl ='
check_config "no key" 2 "$where:2: neither KEY = VALUE nor a comment" <<<$'#\njsonl'
check_config "given twice" 2 "$where:2: detail is given twice; remove one" \
	<<<$'detail = fast\ndetail = full'
check_config "mappings" 2 "$where:1: mappings 'all' is neither none nor top=N with N from 1 to 100" \
	<<<'mappings = all'
check_config "a section" 2 "$where:2: in section [daemon]; remove it, there are no sections" \
	<<<$'[daemon]\ndetail = fast'
check_config "a flag that is no key" 2 "$where:1: config is for the command line only" \
	<<<'config = /x'
check_config "a line that is too long" 2 \
	"$where:1: the line is too long, or has a zero byte: give at most 190 characters" \
	<<<"jsonl = $long"
echo 'x: 1' >"$TMP/web.yml"
echo "web.config.file = $TMP/web.yml" >"$TMP/conf"
timeout "$(longer 120)" "$FAULTMAP" daemon --config "$TMP/conf" --check-config 2>"$TMP/err"
check_contains "the web configuration is read too" "$TMP/err" "web configuration $TMP/web.yml, line 1: unknown key"
printf 'listen = here\n' >"$TMP/conf"
timeout "$(longer 120)" "$FAULTMAP" daemon --config "$TMP/conf" --check-config 2>"$TMP/err"
check_contains "an address: file and line" "$TMP/err" "^$where:1: bad address to listen on 'here'"
check_config "flags win over the file, but it must be good" 0 "$TMP/conf is good" \
	--detail full --listen 127.0.0.1:1 <<<'detail = fast'
check_equal "no file: status and one line" "$(
	timeout "$(longer 120)" "$FAULTMAP" daemon --config "$TMP/none" --check-config 2>&1
	echo $?)" \
	"faultmap: reading the configuration $TMP/none: No such file or directory"$'\n'1
echo 'interval = 0' >"$TMP/conf"
check_equal "the daemon itself refuses a bad file" "$(
	timeout "$(longer 120)" "$FAULTMAP" daemon --config "$TMP/conf" 2>&1
	echo $?)" \
	"$where:1: interval: \"0\" is out of range; give a value from 0.1 to 86400"$'\n'2

# What ships.
check_config "the file that ships is good" 0 "$TMP/conf is good" <packaging/faultmap.conf
check_config "and so it is with every key in use" 0 "$TMP/conf is good" < <(
	sed -E 's/^#([a-z.-]+ = )/\1/; /^(web.config.file|group-rules)/d' packaging/faultmap.conf)
"$FAULTMAP" daemon --help >"$TMP/help"
check_equal "it names every flag of daemon --help, and no other" \
	"$(sed -nE 's/^#([a-z.-]+) = .*/\1/p' packaging/faultmap.conf | sort)" \
	"$(sed -nE 's/^ +(-.,)? +--([a-z.-]+).*/\2/p' "$TMP/help" |
		grep -vxE 'help|config|check-config' | sort)"
check_equal "what it shows as default is what the help says" \
	"$(sed -nE 's/^#(interval|max-series|detail|group-by|mappings|mappings-names) = (.*)/\1 \2/p' packaging/faultmap.conf | sort)" \
	"$(printf '%s\n' 'detail fast' 'group-by unit' 'interval 1' 'mappings top=5' 'mappings-names auto' 'max-series 2000')"

# Makefile's installation, and what systemd says of it.
check "make install" make -s install "BUILD=$BUILD" "DESTDIR=$TMP/root" PREFIX=/usr
units=$TMP/root/usr/lib/systemd/system
echo "interval = 7" >"$TMP/root/etc/faultmap/faultmap.conf"
make -s install "BUILD=$BUILD" "DESTDIR=$TMP/root" PREFIX=/usr >/dev/null
check_contains "make install leaves a changed configuration alone" \
	"$TMP/root/etc/faultmap/faultmap.conf" '^interval = 7$'
if ! command -v systemd-analyze >/dev/null; then
	skip "systemd-analyze security" "systemd is not installed"
	done_testing
fi
check "systemd-analyze security: at most 2.0" \
	systemd-analyze security --offline=true --threshold=20 "$units/faultmap.service"
check "systemd-analyze security: the guard's at most 2.0" \
	systemd-analyze security --offline=true --threshold=20 "$units/faultmap-guard@.service"
mkdir -p "$TMP/lesser/faultmap.service.d"
cp "$units/faultmap.service" "$TMP/lesser/"
cp packaging/systemd/no-sys-admin.conf "$TMP/lesser/faultmap.service.d/"
check "systemd-analyze security: with no-sys-admin.conf at most 1.8" \
	systemd-analyze security --offline=true --threshold=18 "$TMP/lesser/faultmap.service"
done_testing
