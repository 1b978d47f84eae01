#!/bin/sh
# Make the virtual environment that everything else runs in. Usage: lab/bootstrap.sh VENV
set -eu
venv=$1
say() { printf '%s\n' "$*" >&2; }

python=
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    say "CodeB needs Python 3.11 or newer. Install it (Debian, Ubuntu: apt-get install python3 python3-venv) and run again,"
    say "or name one: make PYTHON=/path/to/python3.12 …"
    exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing python3-venv …"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
        say "Python's venv module is missing: apt-get install python3-venv (as root), then run again."
        exit 1
    fi
fi

say "Preparing $venv (Python packages, about a minute the first time) …"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install --require-hashes -r locks/dev.txt
pip install --no-deps --no-build-isolation --check-build-dependencies --editable .
touch "$venv/.ready"
