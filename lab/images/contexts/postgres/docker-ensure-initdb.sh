#!/bin/bash
# First start: cluster, superuser, database, then the scripts in /docker-entrypoint-initdb.d.
set -Eeuo pipefail

# setting NAME DEFAULT: the value of $NAME, or the content of the file that $NAME_FILE names, or the default.
setting() {
	local file="$1_FILE"
	if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
		echo "$1 and $file are both set: set one" >&2
		return 1
	fi
	if [ -n "${!file:-}" ]; then
		cat -- "${!file}"
	else
		printf '%s' "${!1:-$2}"
	fi
}

user=$(setting POSTGRES_USER postgres)
password=$(setting POSTGRES_PASSWORD '')
database=$(setting POSTGRES_DB "$user")
arguments=$(setting POSTGRES_INITDB_ARGS '')
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}

if [ -z "$password" ] && [ "$method" != trust ]; then
	echo 'The database is new and has no superuser password: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE.' >&2
	exit 1
fi

declare -a words=()
[ -z "$arguments" ] || mapfile -t words < <(xargs -n1 printf '%s\n' <<<"$arguments")
[ -z "${POSTGRES_INITDB_WALDIR:-}" ] || words+=("--waldir=$POSTGRES_INITDB_WALDIR")
if [ -n "$password" ]; then
	initdb --username="$user" --pgdata="$PGDATA" --pwfile=<(printf '%s\n' "$password") "${words[@]}"
else
	initdb --username="$user" --pgdata="$PGDATA" "${words[@]}"
fi
printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
# The binaries' own default is /tmp; upstream's is /var/run/postgresql.
printf "\nlisten_addresses = '*'\nunix_socket_directories = '/var/run/postgresql, /tmp'\n" >>"$PGDATA/postgresql.conf"

# A server for the set-up alone: no TCP.
export PGUSER=$user PGPASSWORD=$password
pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses='' -p 5432" --wait start
run() { psql --no-psqlrc --set=ON_ERROR_STOP=1 --dbname="$1" "${@:2}"; }
exists=$(run postgres --set=name="$database" -At <<<"SELECT 1 FROM pg_database WHERE datname = :'name'")
[ -n "$exists" ] || run postgres --set=name="$database" <<<'CREATE DATABASE :"name"'

shopt -s nullglob
for file in /docker-entrypoint-initdb.d/*; do
	case "$file" in
		*.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
		*.sql) run "$database" --file="$file" ;;
		*.sql.gz) gunzip --stdout "$file" | run "$database" ;;
		*) echo "ignoring $file" ;;
	esac
done
pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
echo 'PostgreSQL init process complete; ready for start up.'
