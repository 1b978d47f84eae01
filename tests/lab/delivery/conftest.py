"""The way from push to release, open for all tests of this folder; one after the other, as they share its two stacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from way import Way

from lab.delivery import places, stacks, telling
from lab.delivery.flow import Delivery, opened
from lab.delivery.github import runs
from lab.host import Lab


@pytest.fixture(scope="session")
def way() -> Iterator[Way]:
    """Two hosts, stacks, stand-ins and repositories; hosts are off afterwards."""
    found: list[Way] = []

    def decide(delivery: Delivery, run: int) -> bool:
        kept = runs.of(delivery.hub, places.PLATFORM, str(run))
        found[0].seen.append({
            "waiting": list(kept["waiting"]),
            "dev": found[0].served(stacks.DEV),
            "prod": found[0].served(stacks.PROD),
            "told": telling.messages(delivery, telling.HOOKS[0])[-1],
        })  # fmt: skip
        return True

    lab = Lab.here()
    with opened(lab, decide) as delivery:
        found.append(Way(delivery))
        yield found[0]
    lab.down([kind.host for kind in stacks.KINDS])
