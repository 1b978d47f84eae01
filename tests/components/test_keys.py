"""The keys that the program asks Pulumi for and those that `codeb validate` knows are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi

from codeb.model import PLAIN_KEYS, SECRET_KEYS, Manifests, Settings
from components import config
from tests.components.recording import BASE_CONFIG


class Asked:
    """Stands in for Pulumi's configuration and notes every key."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def get(self, key: str) -> str | None:
        self.keys.add(key)
        value = BASE_CONFIG.get(key)
        return value if isinstance(value, str) else None

    def get_object(self, key: str) -> Any:
        self.keys.add(key)
        return BASE_CONFIG.get(key)


def test_the_program_asks_for_these_and_no_others(tmp_path: Path, monkeypatch: Any) -> None:
    asked = Asked()
    monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
    monkeypatch.setattr(config, "parse_settings", lambda *_: Settings.model_validate(BASE_CONFIG_PLAIN))
    settings = config.read_settings(asked)  # type: ignore[arg-type]
    config.read_secrets(asked, tmp_path, settings, Manifests((), {}))  # type: ignore[arg-type]
    assert asked.keys == {*PLAIN_KEYS, *SECRET_KEYS}


BASE_CONFIG_PLAIN = {key: value for key, value in BASE_CONFIG.items() if key in PLAIN_KEYS}
