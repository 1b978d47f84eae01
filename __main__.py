"""The platform of one stack: every project manifest as a running app.

Deploys, per server, the agent and the host's files and services; per project a role, a database, buckets, a storage key
and a release. Exports `registry` (what runs where), `projects` (id → URL and health), `servers`, `allocations`,
`caCertificate`, `connections` (passwords, keys and URLs in it are secret), and `versions` of them all (`docs/outputs.md`).
"""

from pathlib import Path
from typing import Any

import pulumi

from components.config import load
from components.live import tell
from components.origins import short_origins
from components.platform import Platform, remember
from components.quiet import drop_debug_messages

FOLDER = Path(__file__).absolute().parent


async def main() -> dict[str, Any]:
    """Load, plan, declare, export."""
    drop_debug_messages()
    stack = await load(pulumi.Config(), FOLDER)
    for note in stack.notes:
        pulumi.log.info(note)
    tell(stack.plan, stack.live)
    remember(stack)
    with short_origins():
        platform = Platform("codeb", stack)
    return platform.outputs


pulumi.run(main)
