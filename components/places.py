"""What only the cloud knows, as outputs: documents that need none of it are made at once, others when it is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import pulumi

from codeb.plan.places import Known

T = TypeVar("T")


class Places:
    """Marker (`codeb.plan.places`) → what it stands for."""

    def __init__(self, outputs: Mapping[str, pulumi.Output[str]] | None = None) -> None:
        self._outputs = dict(outputs or {})

    def when_known(self, needs: Collection[str], make: Callable[[Known], T]) -> pulumi.Input[T]:
        """What `make` makes of what is known of `needs`; KeyError when the cloud has no such thing."""
        if not needs:
            return make({})
        return pulumi.Output.all(**{marker: self._outputs[marker] for marker in sorted(needs)}).apply(make)
