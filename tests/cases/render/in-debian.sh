#!/bin/sh
# in-debian.sh ROOTFS OVERLAY COMMAND…: run COMMAND in ROOTFS with the files of OVERLAY/upper laid over it.
# Writes go to OVERLAY and the mounts end with the command: ROOTFS, which other hosts share, is never changed.
set -eu
if [ "${IN_DEBIAN:-}" != yes ]; then
	IN_DEBIAN=yes exec unshare --mount --net --fork -- "$0" "$@"
fi
rootfs=$1 overlay=$2
shift 2
mkdir -p "$overlay/upper" "$overlay/work" "$overlay/root"
mount -t overlay render-check -o "lowerdir=$rootfs,upperdir=$overlay/upper,workdir=$overlay/work" "$overlay/root"
mount -t tmpfs tmpfs "$overlay/root/run"
mount -t proc proc "$overlay/root/proc"
mount --bind /dev "$overlay/root/dev"
exec env -u IN_DEBIAN chroot "$overlay/root" "$@"
