"""What surrounds the declaration: where resources come from, and messages that nobody reads."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from pulumi import log
from pulumi.runtime import settings
from pulumi.runtime.proto import engine_pb2

from components import quiet
from components.origins import FRAMES, short_origins
from tests.components.recording import record

SHOP = """
project: {id: shop}
environment: {domain: shop.lab.test, image: "registry.lab.test:5000/shop:1"}
"""


def test_each_resource_remembers_the_lines_of_the_program_that_declared_it(tmp_path: Path) -> None:
    declared = [item for item in record(tmp_path, {"shop.yaml": SHOP}).registrations]
    declared = [item for item in declared if item.origin and item.type != "pulumi:pulumi:Stack"]
    assert {"Role", "Grant", "Command", "Project", "Server"} <= {
        item.type.rpartition(":")[2] for item in declared
    }
    for item in declared:
        assert any("/components/" in file or file.endswith("/__main__.py") for file in item.origin)
        assert len(item.origin) < FRAMES


def test_an_error_is_shown_whole() -> None:
    with suppress(ZeroDivisionError), short_origins():
        assert sys.tracebacklimit == FRAMES
        raise ZeroDivisionError
    assert not hasattr(sys, "tracebacklimit")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    engine = mock.Mock()
    monkeypatch.setattr(quiet, "get_engine", lambda: engine)
    monkeypatch.setattr(quiet, "SETTINGS", SimpleNamespace(engine=engine))
    monkeypatch.setattr(settings, "get_engine", lambda: quiet.SETTINGS.engine)
    return engine


def test_debug_messages_are_not_sent(engine: mock.Mock) -> None:
    quiet.drop_debug_messages()
    log.debug("preparing resource")
    engine.Log.assert_not_called()


def test_other_messages_and_calls_are(engine: mock.Mock) -> None:
    quiet.drop_debug_messages()
    log.warn("server one does not answer")
    assert engine.Log.call_args.args[0].severity == engine_pb2.WARNING
    assert quiet.SETTINGS.engine.GetRootResource is engine.GetRootResource


def test_debug_messages_are_sent_to_whoever_asks(engine: mock.Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(quiet.DEBUG, "true")
    quiet.drop_debug_messages()
    log.debug("preparing resource")
    engine.Log.assert_called_once()
