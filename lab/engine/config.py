"""A stack's configuration: `Pulumi.<stack>.yaml` with the defaults of `Pulumi.yaml`.

Facts: `pkg/workspace/config.go` and `sdk/go/common/resource/config` of pulumi/pulumi.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.engine.crypto import Crypter
from lab.engine.errors import EngineError, Unsupported
from lab.engine.project import ConfigType, Project, load_yaml
from lab.engine.values import PropertyMap, Secret


@dataclass(frozen=True)
class StackConfig:
    """Configuration as the SDK takes it: texts, structured values as JSON."""

    values: Mapping[str, str]
    secret_keys: frozenset[str]

    def by_package(self) -> dict[str, PropertyMap]:
        """Inputs of default providers: what is configured under a package's name."""
        packages: dict[str, PropertyMap] = {}
        for key, text in self.values.items():
            namespace, _, name = key.partition(":")
            value = Secret(text) if key in self.secret_keys else text
            packages.setdefault(namespace, {})[name] = value
        return packages

    def secrets(self) -> list[Secret]:
        """The values that must never be shown."""
        return [Secret(_parsed(self.values[key])) for key in self.secret_keys]

    def disabled_default_providers(self) -> frozenset[str]:
        """Packages whose resources must name a provider (`pulumi:disable-default-providers`)."""
        text = self.values.get("pulumi:disable-default-providers", "")
        return frozenset(json.loads(text)) if text else frozenset()


@dataclass(frozen=True)
class StackSettings:
    """The file `Pulumi.<stack>.yaml`."""

    config: dict[str, Any]
    salt: str | None


def load_settings(project: Project, stack: str) -> StackSettings:
    """Read the stack's file; a stack without one has no configuration.

    Raises:
        Unsupported: the file uses environments or another secrets provider.
    """
    path = project.root / f"Pulumi.{stack}.yaml"
    if not path.exists():
        return StackSettings({}, None)
    document = load_yaml(path)
    if document.get("environment"):
        raise Unsupported(f"environments ({path})")
    if document.get("secretsprovider") not in (None, "", "passphrase"):
        raise Unsupported(f"the secrets provider {document['secretsprovider']!r} ({path})")
    config = {project.key(key): value for key, value in (document.get("config") or {}).items()}
    return StackSettings(config, document.get("encryptionsalt"))


def resolve(project: Project, stack: str, settings: StackSettings, crypter: Crypter) -> StackConfig:
    """The configuration that a program sees.

    Raises:
        EngineError: a value is missing or of the wrong type.
    """
    values: dict[str, str] = {}
    secret_keys: set[str] = set()
    for key, raw in settings.config.items():
        if key in ("pulumi:autonaming",):
            raise Unsupported(f"the setting {key}")
        values[key] = _text(_decrypted(raw, crypter))
        if _holds_secret(raw):
            secret_keys.add(key)
    _apply_project(project, stack, values, secret_keys)
    return StackConfig(values, frozenset(secret_keys))


def _apply_project(project: Project, stack: str, values: dict[str, str], secret_keys: set[str]) -> None:
    missing = []
    for name, declared in sorted(project.config.items()):
        key = project.key(name)
        if key in values:
            continue
        default = declared.value if declared.default is None else declared.default
        if default is not None:
            values[key] = _text(default)
        elif key.startswith(f"{project.name}:"):
            missing.append(name)
    if missing:
        raise EngineError(_missing(stack, missing))
    for name, declared in sorted(project.config.items()):
        key = project.key(name)
        if declared.type and key in values:
            _check_type(stack, name, declared, values[key], secure=key in secret_keys)


def _missing(stack: str, names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
    noun = "value" if len(names) == 1 else "values"
    return f"validating stack config: Stack '{stack}' is missing configuration {noun} {listed}"


def _check_type(stack: str, name: str, declared: ConfigType, text: str, *, secure: bool) -> None:
    label = f"validating stack config: Stack '{stack}' with configuration key '{name}'"
    if declared.secret and not secure:
        raise EngineError(f"{label} must be encrypted as it's secret")
    value = _parsed(text) if declared.type in ("object", "array") else text
    if not _is_of_type(value, declared.type, declared.items):
        wanted = _type_name(declared.type, declared.items)
        raise EngineError(f"{label} must be of type '{wanted}'")


def _is_of_type(value: Any, type_: str | None, items: dict[str, Any] | None) -> bool:
    if type_ == "array":
        if not isinstance(value, list) or items is None:
            return False
        return all(_is_of_type(item, items.get("type"), items.get("items")) for item in value)
    return _SCALARS[str(type_)](value) if type_ in _SCALARS else False


def _is_integer(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return value.removeprefix("-").removeprefix("+").isdecimal()
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


_SCALARS: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool) or value in ("true", "false"),
    "object": lambda value: isinstance(value, dict),
}


def _type_name(type_: str | None, items: dict[str, Any] | None) -> str:
    if type_ == "array" and items:
        return f"array<{_type_name(items.get('type'), items.get('items'))}>"
    return str(type_)


def _is_ciphertext(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.keys() == {"secure"} and isinstance(raw["secure"], str)


def _holds_secret(raw: Any) -> bool:
    if _is_ciphertext(raw):
        return True
    items = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    return any(map(_holds_secret, items))


def _decrypted(raw: Any, crypter: Crypter) -> Any:
    if _is_ciphertext(raw):
        return crypter.decrypt_text(raw["secure"])
    if isinstance(raw, dict):
        return {key: _decrypted(item, crypter) for key, item in raw.items()}
    if isinstance(raw, list):
        return [_decrypted(item, crypter) for item in raw]
    return raw


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
