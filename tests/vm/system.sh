#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The Debian packages in a full system: Debian 12 with its own kernel and systemd, booted under QEMU, where
# kernel.perf_event_paranoid is 3. The service is scraped from outside, killed, reloaded, stopped. TAP.
# usage: tests/vm/system.sh       with root, after make deb
# environment: BUILD, CACHE (a root of some 100 MB is kept there), MEMORY (MiB)

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

CACHE=${CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/faultmap-vm}
DEADLINE_FACTOR=8 # it is emulated
work=$BUILD/vm-system
root=$TMP/root
packages=systemd-sysv,dbus,udev,linux-image-cloud-amd64,openssh-server,procps,logrotate
deb=$(ls "$BUILD"/deb/faultmap_*_amd64.deb 2>/dev/null)
daemon_deb=$(ls "$BUILD"/deb/faultmap-daemon_*_all.deb 2>/dev/null)

# What the package depends on: its own installation needs no network then.
dependencies()
{
	dpkg-deb -f "$deb" Depends | sed 's/ *([^)]*)//g; s/ *|[^,]*//g; s/ //g'
}

# The root without the package: sets $base.
make_base()
{
	local list mirror

	list=$packages,$(dependencies)
	base=$CACHE/system-$(cksum <<<"$list" | cut -d' ' -f1).tar
	[ ! -s "$base" ] || return 0
	mkdir -p "$CACHE"
	# shellcheck disable=SC2016 # of apt's variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' |
		head -n 1)
	mmdebstrap --quiet --variant=minbase --include="$list" bookworm "$base.new.tar" \
		${mirror:+"$mirror"} && mv "$base.new.tar" "$base"
}

# What the test needs beside the package: an address, a way in, a port that is reached from outside.
configure_root()
{
	# It is emulated: programs that load in a second take a minute on a busy machine.
	mkdir -p "$root/etc/systemd/system.conf.d"
	printf '[Manager]\nDefaultTimeoutStartSec=600\n' >"$root/etc/systemd/system.conf.d/slow.conf"
	printf 'LABEL=root / ext4 defaults 0 1\n' >"$root/etc/fstab"
	echo vm >"$root/etc/hostname"
	printf '[Match]\nName=e*\n[Network]\nDHCP=ipv4\n' >"$root/etc/systemd/network/vm.network"
	mkdir -p "$root/etc/systemd/system/faultmap.socket.d" "$root/root/.ssh"
	printf '[Socket]\nListenStream=\nListenStream=14096\n' \
		>"$root/etc/systemd/system/faultmap.socket.d/port.conf"
	printf '%s\n' 'interval = 0.5' 'verbose = 1' 'jsonl = /var/log/faultmap/faultmap.jsonl' \
		>"$root/etc/faultmap/faultmap.conf"
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/key"
	cp "$TMP/key.pub" "$root/root/.ssh/authorized_keys"
	systemctl --quiet --root="$root" enable systemd-networkd.service
	systemctl --quiet --root="$root" mask getty@tty1.service serial-getty@ttyS0.service \
		apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service
}

make_system()
{
	make_base && mkdir -p "$root" "$work" && tar -C "$root" -xf "$base" &&
		cp "$deb" "$root/tmp/faultmap.deb" && cp "$daemon_deb" "$root/root/daemon.deb" &&
		chroot "$root" dpkg --install /tmp/faultmap.deb /root/daemon.deb && configure_root &&
		cp "$root"/boot/vmlinuz-* "$work/vmlinuz" && cp "$root"/boot/initrd.img-* "$work/initrd" &&
		rm -f "$work/root.img" && truncate -s 1500M "$work/root.img" &&
		mkfs.ext4 -q -L root -d "$root" "$work/root.img"
}

# One thread: see qemu_options() in run.sh. One CPU, and nothing that is slow to test itself when emulated: the
# kernel gives up on timers and ciphers then, with warnings.
boot()
{
	start_background qemu-system-x86_64 -M q35 -cpu max -accel tcg,thread=single \
		-m "${MEMORY:-1024}" -smp 1 -nographic -nodefaults -no-reboot -serial stdio \
		-kernel "$work/vmlinuz" -initrd "$work/initrd" \
		-append "console=ttyS0 panic=-1 no_timer_check mitigations=off module_blacklist=aesni_intel root=LABEL=root rw systemd.show_status=0" \
		-drive "file=$work/root.img,format=raw,if=virtio,snapshot=on,cache=unsafe" \
		-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$ssh_port-:22,hostfwd=tcp:127.0.0.1:$port-:14096" \
		-device virtio-net-pci,netdev=net >"$work/console" 2>&1 </dev/null
	qemu=$BACKGROUND_PID
}

# in_guest COMMAND: by its shell.
in_guest()
{
	timeout 300 ssh -n -q -i "$TMP/key" -p "$ssh_port" -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o ConnectTimeout=60 -o ControlMaster=auto \
		-o ControlPath="$TMP/ssh" -o ControlPersist=900 root@127.0.0.1 "$@"
}

# scraped_status: of a scrape; what it says is in $TMP/scrape.
scraped_status()
{
	curl -s --noproxy '*' -m 120 -o "$TMP/scrape" -w '%{http_code}' "http://127.0.0.1:$port/metrics"
}

# reaches SERIES N
reaches()
{
	scraped_status >/dev/null
	[ "$(value "$1")" -ge "$2" ]
}

property()
{
	in_guest systemctl show -P "$1" faultmap.service
}

# is_up RESTARTS
is_up()
{
	[ "$(property ActiveState)" = active ] && [ "$(property NRestarts)" = "$1" ]
}

# restarted PID: it runs, in another process.
restarted()
{
	is_up 0 && [ "$(property MainPID)" != "$1" ]
}

is_running()
{
	in_guest true
}

# capabilities: of the service's threads, each line once.
capabilities()
{
	in_guest "cat /proc/$(property MainPID)/task/*/status" |
		grep -E '^(Cap(Amb|Eff|Prm)|NoNewPrivs)' | tr -d '\t' | sort -u | paste -sd ' '
}

test_start()
{
	check_equal "Debian's default" "$(in_guest cat /proc/sys/kernel/perf_event_paranoid)" 3
	check_equal "the packages have started nothing and enabled nothing" "$(in_guest 'systemctl is-active faultmap.service \
		faultmap.socket; systemctl is-enabled faultmap.service faultmap.socket' | sort | uniq -c | tr -s ' ')" \
		$' 2 disabled\n 2 inactive'
	check "README.Debian's command" in_guest systemctl enable --now faultmap.socket faultmap.service
	check "the service is active" wait_for 60 is_up 0
	check_equal "no unit has failed" "$(in_guest systemctl is-system-running --wait;
		in_guest systemctl list-units --failed --plain --no-legend)" running
	check_equal "a scrape from outside" "$(scraped_status)" 200
	check "promtool finds it well" promtool check metrics <"$TMP/scrape"
	check "ticks go on" wait_for 30 reaches faultmap_ticks_total $(($(value faultmap_ticks_total) + 3))
	check "units are groups" grep -q '^faultmap_group_processes{group="systemd-journald.service"} 1$' "$TMP/scrape"
	check_equal "perf events count majors, though they want CAP_SYS_ADMIN here" \
		"$(value 'faultmap_perf_faults_total{severity="major"}' | grep -c .)" 1
	check_equal "no capability is left" "$(capabilities)" "$no_capability"
	check_equal "nice, and kept from the OOM killer" "$(in_guest "ps -o ni= -p $(property MainPID);
		cat /proc/$(property MainPID)/oom_score_adj" | tr -d ' ' | paste -sd ' ')" "-5 -500"
	check "systemd-analyze security: at most 2.0, as it runs" \
		in_guest systemd-analyze security --threshold=20 faultmap.service
	check "JSON lines" in_guest grep -q '\"rec\":\"interval\"' /var/log/faultmap/faultmap.jsonl
}

test_life()
{
	local pid

	pid=$(property MainPID)
	in_guest 'sed -i s/0.5/0.3/ /etc/faultmap/faultmap.conf'
	check "systemctl reload" in_guest systemctl reload faultmap.service
	check "takes the new interval" wait_for 30 in_guest grep -q '\"interval_seconds\":0.3' /var/log/faultmap/faultmap.jsonl
	check "logrotate, as the package has it" in_guest logrotate --force /etc/logrotate.d/faultmap
	check "has put the lines aside" in_guest test -s /var/log/faultmap/faultmap.jsonl.1
	check "and they go on in a new file" wait_for 30 in_guest \
		"head -n 1 /var/log/faultmap/faultmap.jsonl | grep -q '\"rec\":\"meta\"'"
	check_equal "in the same process" "$(property MainPID)" "$pid"
	in_guest systemctl kill --kill-who=main --signal=KILL faultmap.service
	check_equal "killed: a scrape waits for the next one" "$(scraped_status)" 200
	check "killed: systemd has restarted it" wait_for 60 is_up 1
	in_guest 'mkdir -p /etc/systemd/system/faultmap.service.d &&
		cp /usr/share/faultmap/no-sys-admin.conf /etc/systemd/system/faultmap.service.d/ &&
		systemctl daemon-reload'
	check "no-sys-admin.conf: it restarts" in_guest systemctl restart faultmap.service
	check_equal "no-sys-admin.conf: a scrape" "$(scraped_status)" 200
	check_equal "no-sys-admin.conf: without perf events, as check says" \
		"$(value 'faultmap_perf_faults_total{severity="major"}')" ""
	check "no-sys-admin.conf: faults are counted" wait_for 30 reaches faultmap_entries_total 1
	check_equal "no-sys-admin.conf: no capability is left" "$(capabilities)" "$no_capability"
	pid=$(property MainPID)
	check "the package again, as an update does it" in_guest dpkg --install /root/daemon.deb
	check "has restarted what ran" wait_for 60 restarted "$pid"
	check "systemctl stop" in_guest systemctl stop faultmap.socket faultmap.service
	check_equal "it has ended well" "$(property Result):$(property ExecMainStatus)" success:0
	check "the package again, while it is stopped" in_guest dpkg --install /root/daemon.deb
	check_equal "has started nothing" "$(property ActiveState)" inactive
	check "logrotate, while it is stopped" in_guest logrotate --force /etc/logrotate.d/faultmap
	check "it starts again" in_guest systemctl start faultmap.socket faultmap.service
	check "dpkg --purge, while it runs" in_guest dpkg --purge faultmap-daemon faultmap
	check_equal "has stopped it" "$(in_guest pgrep -xc faultmap)" 0
	check_equal "nothing of it is left" "$(in_guest "find /etc /usr /lib/systemd /var/lib /var/log /run -xdev \
		-name '*faultmap*' -not -path '*/faultmap.s*.d*'")" ""
	check_equal "no BPF program of it is left" "$(in_guest 'ls /sys/fs/bpf | wc -l')" 0
}

# start_guarded NAME COMMAND: a service, and the guard of it; until it guards.
start_guarded()
{
	in_guest "printf '[Service]\nExecStart=%s\n' '$2' >/etc/systemd/system/$1.service && systemctl daemon-reload &&
		systemctl start $1.service faultmap-guard@$1.service"
}

# guard_says NAME: how the guard of it has ended.
guard_says()
{
	in_guest "for property in ActiveState Result ExecMainStatus NRestarts; do
		systemctl show -P \$property faultmap-guard@$1.service; done" | paste -sd ' '
}

# guard_has NAME N: of its counters, as another user reads them: node_exporter is not root.
guard_has()
{
	in_guest "runuser -u nobody -- awk '\$1 ~ /^faultmap_guard_faults_total/ { n += \$2 } END { print n + 0; exit n < $2 }' \
		/run/faultmap-guard/$1/guard.prom"
}

test_guard()
{
	check "faultmap-guard@calm-app.service starts with its service" start_guarded calm-app '/bin/sleep infinity'
	check "it stays below systemd-analyze's 2.0" \
		in_guest systemd-analyze security --threshold=20 faultmap-guard@calm-app.service
	check_equal "a service that sleeps has no fault" "$(guard_has calm-app 0)" 0
	in_guest systemctl stop calm-app.service
	check_equal "its guard ends with it, and well" "$(guard_says calm-app)" "inactive success 0 0"
	check "of a service that works, too" start_guarded busy-app \
		'/bin/sh -c "while sleep 0.1; do :; done"'
	check "it counts its faults" wait_for 60 guard_has busy-app 100
	check "each is a line in the journal" wait_for 60 in_guest \
		"journalctl -q -o cat -u faultmap-guard@busy-app | grep -q '\"rec\":\"guard\".*\"comm\":\"sleep\"'"
	in_guest systemctl stop busy-app.service
	check_equal "its guard has failed, and does not start again" "$(guard_says busy-app)" "failed exit-code 3 0"
	in_guest systemctl reset-failed faultmap-guard@busy-app.service
}

# CAP_CHOWN and CAP_SYS_CHROOT: its root directory has files of several users, and dpkg works in it.
if ! may 0 18; then
	skip "the service in a full system" "no CAP_CHOWN or CAP_SYS_CHROOT to make its root directory"
	done_testing
fi
[ -n "$deb" ] || { echo "system.sh: no package in $BUILD/deb; run \`make deb\`" >&2; exit 1; }
port=$(free_port) ssh_port=$(free_port) qemu=
no_capability="CapAmb:0000000000000000 CapEff:0000000000000000 CapPrm:0000000000000000 NoNewPrivs:1"
check "a root of Debian 12 with the package" make_system
rm -rf "$root"
boot
if wait_for 120 is_running; then
	ok "it boots: $(in_guest uname -r)"
	test_start
	test_guard
	test_life
	in_guest systemctl --no-block poweroff
	check "it powers off" wait_for 30 process_ended "$qemu"
else
	not_ok "it boots" "$(tail -n 30 "$work/console")"
fi
check_equal "no kernel warning" "$(grep -aE 'WARNING:|BUG:|Oops|rcu.*stall' "$work/console")" ""
done_testing
