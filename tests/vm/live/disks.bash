# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The disks that run.sh gives to a guest.

# disk_of SERIAL: its device. The names of NVMe disks change places from boot to boot.
disk_of()
{
	local block

	for block in /sys/block/nvme*; do
		[ "$(tr -d ' ' <"$block/device/serial")" = "$1" ] && echo "/dev/${block##*/}" && return
	done
	echo "no disk with the serial $1" >&2
	return 1
}
