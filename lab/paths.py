"""Where the lab keeps things: one git-ignored folder of the clone."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
LAB = REPO / ".lab"
BACKEND = LAB / "state"
PULUMI = LAB / "pulumi"
PULUMI_REAL = LAB / "pulumi-real"
CA_CERTIFICATE = LAB / "ca.crt"
ROOT_SECRET = LAB / "secrets" / "root-secret"
PASSPHRASE = LAB / "secrets" / "passphrase"
STACK = "dev"
FLEET = LAB / "fleet"
"""State, secrets and CLI of the stack `fleet`."""
DELIVERY = LAB / "delivery"
"""Repositories, stacks and stand-ins of the way from push to release."""
VULTR = LAB / "vultr"
"""The simulated account, and in `machines` what stands behind it."""
CODEB = Path(sys.executable).with_name("codeb")
"""The operator's command, of the virtual environment that runs this."""
PROGRAM = ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "codeb", "ops", "components", "agent", ".lab")
"""What a project folder with manifests of its own links to."""


def ensure_secrets(folder: Path = ROOT_SECRET.parent) -> None:
    """Generate what a stack needs and git must not hold: the root secret and the passphrase of the state."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (folder / ROOT_SECRET.name, folder / PASSPHRASE.name):
        if path.exists():
            continue
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)


def remove_state() -> None:
    """Remove the state, the generated secrets and the CA: the end of the stacks of this clone."""
    for folder in (BACKEND, ROOT_SECRET.parent, PULUMI, PULUMI_REAL, FLEET, DELIVERY, LAB / "act"):
        if folder.exists():
            shutil.rmtree(folder)
    CA_CERTIFICATE.unlink(missing_ok=True)
