#!/bin/sh
# Start MinIO; a *_FILE is a path, or the name of a secret under /run/secrets.
set -eu

if [ "${1:-minio}" != minio ]; then
	set -- minio "$@"
fi

# content FILE: what the file holds, wherever it is; nothing when it does not exist.
content() {
	for path in "$1" "/run/secrets/$1"; do
		if [ -f "$path" ]; then
			cat -- "$path"
			return
		fi
	done
}

if [ -n "${MINIO_ROOT_USER_FILE:-}" ]; then
	MINIO_ROOT_USER=$(content "$MINIO_ROOT_USER_FILE")
	export MINIO_ROOT_USER
fi
if [ -n "${MINIO_ROOT_PASSWORD_FILE:-}" ]; then
	MINIO_ROOT_PASSWORD=$(content "$MINIO_ROOT_PASSWORD_FILE")
	export MINIO_ROOT_PASSWORD
fi
unset MINIO_ROOT_USER_FILE MINIO_ROOT_PASSWORD_FILE
exec "$@"
