#!/bin/sh
# PostgreSQL as a provider runs it, on an appliance: database.sh FOLDER-OF-PROGRAMS. What it keeps is in /run/database.
# first.sql, which makes the administrator, is there until it has been done.
set -eu
folder=/run/database
PATH="$1:$PATH"
LANG=C.UTF-8
export PATH LANG
chown -R nobody:nogroup "$folder"
cd "$folder"
as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
if [ -e first.sql ]; then
	rm -rf data
	$as initdb --pgdata=data --username=avnadmin --encoding=UTF8 --auth=reject
	echo "hostssl all all all scram-sha-256" >data/pg_hba.conf
	$as postgres --single -j -D data postgres <first.sql
	rm first.sql
fi
exec $as postgres -D data -c listen_addresses='*' -c unix_socket_directories= \
	-c ssl=on -c ssl_cert_file="$folder/server.crt" -c ssl_key_file="$folder/server.key"
