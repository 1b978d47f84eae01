#!/bin/sh
# A journal of its own in a mount namespace of its own: journal.sh ROOT MOUNT BOOT STATE
# ROOT, a Debian with journalctl, is at MOUNT with that journal in it; BOOT is the ID of the boot. It is the journal's
# daemon then, until it is killed. STATE has what outlives a boot.
set -eu
root=$1 mount=$2 boot=$3 state=$4
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log "$state/journal"
mkdir /run/log/journal
mount --bind "$state/journal" /run/log/journal
echo "$boot" >/run/boot_id
printf '[Journal]\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\n' >/run/journald.conf
mount --bind /run/journald.conf /etc/systemd/journald.conf
mount --bind "$root" "$mount"
mount -o remount,ro,bind "$mount"
mount --rbind /run "$mount/run"
mount -t proc proc "$mount/proc"
for proc in /proc "$mount/proc"; do
	mount --bind /run/boot_id "$proc/sys/kernel/random/boot_id"
done
exec /lib/systemd/systemd-journald
