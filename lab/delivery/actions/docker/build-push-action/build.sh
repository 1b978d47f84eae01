#!/usr/bin/env bash
# Whoever builds reads BUILD_* and GITHUB_WORKSPACE, and writes `digest=sha256:…` to GITHUB_OUTPUT when it has pushed.
set -euo pipefail
cd "$GITHUB_WORKSPACE"
[ -z "${CODEB_LAB_BUILDER:-}" ] || exec "$CODEB_LAB_BUILDER"
export PYTHONPATH="$CODEB_LAB_ROOT"
exec "$CODEB_LAB_PYTHON" -m lab.delivery.image
