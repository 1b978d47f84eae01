#!/bin/bash
# Start PostgreSQL; on an empty data folder make the cluster first. Root hands over to the user postgres.
set -Eeuo pipefail

case "${1:-}" in
	-*) set -- postgres "$@" ;;
esac
if [ "${1:-}" != postgres ]; then
	exec "$@"
fi

if [ "$(id -u)" = 0 ]; then
	install -d -o postgres -g postgres -m 0700 "$PGDATA"
	install -d -o postgres -g postgres -m 3775 /var/run/postgresql
	find "$PGDATA" ! -user postgres -exec chown postgres:postgres {} +
	exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	docker-ensure-initdb.sh "$@"
fi
# What only the first start needs does not stay in the server's environment.
unset POSTGRES_PASSWORD POSTGRES_PASSWORD_FILE
exec "$@"
