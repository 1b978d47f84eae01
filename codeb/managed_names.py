"""Names of what a stack has of Vultr's managed services, and markers of what Vultr alone knows of it."""

from __future__ import annotations

from typing import Final

from codeb import names

HOST: Final = "@{managed:postgres/host}"
PORT: Final = "@{managed:postgres/port}"
USER: Final = "@{managed:postgres/user}"
PASSWORD: Final = "@{managed:postgres/password}"  # noqa: S105 - a marker
"""Of the service's administrator, as a password file of PostgreSQL's writes it: what stands for it is a secret."""
DATABASE: Final = "defaultdb"
"""The database that every such service comes with (docs.vultr.com)."""
MARKERS: Final = (HOST, PORT, USER, PASSWORD)

SETTINGS_FILE: Final = f"{names.SECRETS_DIR}/managed.json"
"""Where the data server's agent reads how the service is reached."""
LOGIN_FILE: Final = f"{names.SECRETS_DIR}/managed.pgpass"
"""The administrator's password, as PostgreSQL's clients read it."""


def label(owner: str) -> str:
    """How Vultr's console shows the service: the stack's mark is in front, as in all that it has there."""
    return f"{owner}-postgres"
