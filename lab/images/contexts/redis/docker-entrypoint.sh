#!/bin/sh
# Start Redis: options or a configuration file alone mean redis-server; root hands over to the user redis.
set -eu

case "${1:-}" in
	-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
	find . ! -user redis -exec chown redis:redis {} +
	exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi
exec "$@"
