#!/bin/sh
# What is no command is a script, or options, for node.
set -eu
first=${1:-node}
if [ "${first#-}" != "$first" ] || [ -f "$first" ] || ! command -v "$first" >/dev/null; then
	set -- node "$@"
fi
exec "$@"
