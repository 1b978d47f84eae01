#!/usr/bin/env bash
# The virtual environment that Pulumi.yaml names, and `codeb` on the PATH of later steps.
set -euo pipefail
root=$(cd "$GITHUB_ACTION_PATH/../../.." && pwd)
venv="$root/.lab/venv"
if [ -n "${CODEB_VENV:-}" ]; then
    mkdir -p "$root/.lab"
    ln -sfn "$CODEB_VENV" "$venv"
    echo "PYTHONPATH=$root" >>"$GITHUB_ENV" # its packages, but this commit's program
else
    python -m venv "$venv"
    pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
    pip install --require-hashes -r "$root/locks/ci.txt"
    pip install --no-deps --no-build-isolation --check-build-dependencies --editable "$root"
fi
echo "$venv/bin" >>"$GITHUB_PATH"
