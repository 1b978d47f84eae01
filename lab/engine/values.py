"""Property values: what flows between program, engine, providers and state.

Plain Python (`str`, `bool`, `int`, `float`, `list`, `dict`, `None`), plus three kinds of its own: `Secret`,
`ResourceRef` and the one object `UNKNOWN`. An asset is an object with the asset's signature, as in state.
Values are never changed in place: whoever changes one copies it.
"""

from __future__ import annotations

from typing import Any, Final

from lab.engine.provider import UNKNOWN

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""Key that marks an object as one of the special values below (Pulumi's `resource.SigKey`)."""

SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a protocol constant)
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET_SIGNATURE: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_TEXTS: Final = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""How unknown values look on the wire: of any type, boolean, number, array, object."""

MASK: Final = "[secret]"

Value = Any
PropertyMap = dict[str, Any]


class Secret:
    """A value that is shown as `[secret]` and stored encrypted; the ciphertext is kept while it is the same."""

    __slots__ = ("ciphertext", "value")

    def __init__(self, value: Value, ciphertext: str | None = None) -> None:
        self.value = value
        self.ciphertext = ciphertext

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and equal(self.value, other.value)

    __hash__ = None  # type: ignore[assignment]


class ResourceRef:
    """A resource passed as a value: providers see its id, or the URN of a component."""

    __slots__ = ("id", "urn")

    def __init__(self, urn: str, id_: Value = None) -> None:
        self.urn = urn
        self.id = id_

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceRef) and (self.urn, self.id) == (other.urn, other.id)

    __hash__ = None  # type: ignore[assignment]

    @property
    def plain(self) -> Value:
        """What a provider sees."""
        return self.urn if self.id is None else self.id


def equal(old: Value, new: Value) -> bool:
    """Whether two values are the same: `True` is not 1, a missing key is a null, a secret is not plain."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(equal(old.get(key), new.get(key)) for key in old.keys() | new.keys())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(equal, old, new))
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new)


def secret(value: Value) -> Secret:
    """`value` as a secret; secrets within it are merged into the one."""
    return value if isinstance(value, Secret) else Secret(unwrap_secrets(value))


def _map_items(value: Value, convert: Any) -> Value:
    """`value` with `convert` applied to its items; the same object when nothing changed."""
    if isinstance(value, dict):
        for key, item in value.items():
            if convert(item) is not item:
                return {key: convert(item) for key, item in value.items()}
    elif isinstance(value, list):
        for item in value:
            if convert(item) is not item:
                return [convert(item) for item in value]
    return value


def unwrap_secrets(value: Value) -> Value:
    """The value without secret marks; references stay."""
    if isinstance(value, Secret):
        return unwrap_secrets(value.value)
    return _map_items(value, unwrap_secrets)


def without_references(value: Value) -> Value:
    """The value with references as ids, and secret marks on what is below them."""
    if isinstance(value, Secret):
        inner = without_references(value.value)
        return value if inner is value.value else Secret(inner)
    if isinstance(value, ResourceRef):
        return value.plain
    return _map_items(value, without_references)


def plain(value: Value) -> Value:
    """What a provider sees: no secret marks, references as ids."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, ResourceRef):
        return plain(value.plain)
    return _map_items(value, plain)


def rewrap(value: Value, marked: Value) -> Value:
    """`value`, from a provider, with the secret marks and references that `marked` has at the same places."""
    if isinstance(marked, Secret):
        found = plain(value)
        return marked if equal(plain(marked.value), found) else Secret(found)
    if isinstance(marked, ResourceRef):
        return marked if equal(plain(marked), value) else value
    if isinstance(value, dict) and isinstance(marked, dict):
        return {key: rewrap(item, marked[key]) if key in marked else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(marked, list):
        rewrapped = [rewrap(item, mark) for item, mark in zip(value, marked, strict=False)]
        return rewrapped + value[len(rewrapped) :]
    return value


def mask(value: Value) -> Value:
    """The value as it may be shown."""
    if isinstance(value, Secret):
        return MASK
    return _map_items(value, mask)


def contains_unknown(value: Value) -> bool:
    """Whether a value is, or holds somewhere, UNKNOWN."""
    if isinstance(value, dict):
        return any(map(contains_unknown, value.values()))
    if isinstance(value, list):
        return any(map(contains_unknown, value))
    if isinstance(value, Secret):
        return contains_unknown(value.value)
    return value is UNKNOWN


def contains_secret(value: Value) -> bool:
    """Whether a value is, or holds somewhere, a secret."""
    if isinstance(value, dict):
        return any(map(contains_secret, value.values()))
    if isinstance(value, list):
        return any(map(contains_secret, value))
    return isinstance(value, Secret)


def contains_asset(value: Value) -> bool:
    """Whether a value is, or holds somewhere, an asset."""
    if isinstance(value, dict):
        return value.get(SIGNATURE) == ASSET_SIGNATURE or any(map(contains_asset, value.values()))
    if isinstance(value, list):
        return any(map(contains_asset, value))
    return isinstance(value, Secret) and contains_asset(value.value)
