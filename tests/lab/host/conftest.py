"""A lab of its own for these tests: other bridge, other addresses, other folder; the cache is shared."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.host import Lab, Progress
from lab.host.network import Network
from lab.host.paths import Folders


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An empty lab; whatever a test leaves is torn down."""
    if os.geteuid() != 0:
        pytest.skip("booting hosts needs root")
    folders = Folders(lab=tmp_path_factory.mktemp("lab"), cache=Folders.here().cache)
    made = Lab(folders, Network(bridge="codeb-labtest", prefix="10.78.77"), Progress())
    yield made
    made.clean(keep_cache=True)
