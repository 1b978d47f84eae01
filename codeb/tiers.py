"""What there is of Vultr's Object Storage, as `codeb/data/vultr.yaml` has it: read by `codeb.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ObjectTier:
    """A tier of object storage: `id` is the API's number. The price (US cents a month) has `included_gb` of objects and as
    much traffic in it; what is stored beyond costs `usd_per_gb` a month."""

    name: str
    id: int
    cents: int
    included_gb: int
    usd_per_gb: float

    @property
    def described(self) -> str:
        """`1000 GB, $18.00 a month, then $0.018 a GB`."""
        return f"{self.included_gb} GB, ${self.cents / 100:.2f} a month, then ${self.usd_per_gb:g} a GB"


def object_tiers(part: Mapping[str, Any]) -> dict[str, ObjectTier]:
    """The tiers by their names."""
    return {
        key: ObjectTier(key, row["id"], round(row["usd"] * 100), row["gb"], row["usd_per_gb"])
        for key, row in part["tiers"].items()
    }
