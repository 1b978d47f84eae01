#!/bin/sh
# A machine of the simulated cloud that is one program: appliance.sh COUNT ADDRESS/MASK INTERFACE … PROGRAM ARGUMENTS…
set -eu
count=$1
shift
busybox ip link set dev lo up
while [ "$count" -gt 0 ]; do
	busybox ip address add "$1" dev "$2"
	busybox ip link set dev "$2" up
	shift 2
	count=$((count - 1))
done
exec "$@"
