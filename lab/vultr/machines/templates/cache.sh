#!/bin/sh
# Valkey as a provider runs it, on an appliance: cache.sh PORT. What it keeps is in /run/database; its administrator comes through
# the socket there, everybody else with TLS.
set -eu
folder=/run/database
mkdir -p "$folder/data"
chown -R nobody:nogroup "$folder"
cd "$folder/data"
exec setpriv --reuid=nobody --regid=nogroup --clear-groups valkey-server --bind '*' --protected-mode no --port 0 \
	--tls-port "$1" --tls-cert-file "$folder/server.crt" --tls-key-file "$folder/server.key" --tls-ca-cert-file "$folder/ca.crt" \
	--tls-auth-clients no --aclfile "$folder/users.acl" --unixsocket "$folder/admin.sock" --unixsocketperm 700 \
	--databases 16 --dir "$folder/data"
