"""The copy of a stack's settings: what the CLI writes stays there, and what people should know is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.plugins import copies, language


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text("config:\n  codeb:domain: lab.test\n")
    return path


def test_what_the_cli_writes_into_the_copy_stays_and_its_salt_is_not_worth_a_word(settings: Path) -> None:
    copy = settings.with_name("copy.yaml")
    assert copies.refresh(settings, copy) == []
    copy.write_text(copy.read_text() + "encryptionsalt: v1:it\n")
    assert copies.refresh(settings, copy) == []
    assert "encryptionsalt" in copy.read_text()
    assert "encryptionsalt" not in settings.read_text()


def test_what_was_set_in_a_shell_is_kept_and_said(settings: Path) -> None:
    copy = settings.with_name("copy.yaml")
    copies.refresh(settings, copy)
    copy.write_text(copy.read_text() + "  codeb:standbyMinutes: 30\n")
    (said,) = copies.refresh(settings, copy)
    assert "codeb:standbyMinutes" in said
    assert "standbyMinutes" in copy.read_text()


def test_changed_settings_replace_the_copy_and_what_is_lost_is_said(settings: Path) -> None:
    copy = settings.with_name("copy.yaml")
    copies.refresh(settings, copy)
    copy.write_text(copy.read_text() + "  codeb:standbyMinutes: 30\n")
    settings.write_text("# another\n" + settings.read_text())
    assert not copies.is_fresh(settings, copy)
    (said,) = copies.refresh(settings, copy)
    assert "codeb:standbyMinutes" in said
    assert copy.read_text() == settings.read_text()
    assert copies.refresh(settings, copy) == []


def test_a_shell_of_the_lab_runs_no_other_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(language.COPY_VARIABLE, "settings-dev.yaml")
    monkeypatch.setenv(language.STACK_VARIABLE, "dev")
    assert language.other_stack("dev") == ""
    assert "of the stack dev, and the run is one of live" in language.other_stack("live")
    monkeypatch.delenv(language.COPY_VARIABLE)
    assert language.other_stack("live") == ""
