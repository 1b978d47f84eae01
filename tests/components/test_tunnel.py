"""What the tunnel says when it can't be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeb.ssh import SshTarget
from components import tunnel
from components.tunnel import TunnelError, open_tunnel

TARGET = SshTarget("192.0.2.10", 22, "root", "ssh-ed25519 AAAA", "a private key")
REFUSED = "ssh: connect to host 192.0.2.10 port 22: Connection refused"


def said(monkeypatch: pytest.MonkeyPatch, problem: str | None, *, known: bool = False) -> str:
    """The error of a tunnel whose `ssh` ends with a problem."""
    monkeypatch.setattr(tunnel, "_start", lambda *_: problem)
    with pytest.raises(TunnelError) as failure:
        open_tunnel(TARGET, {20000: 5432}, 0, known=known)
    return str(failure.value)


def test_a_refused_connection_to_a_server_in_use_is_a_ban_most_likely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert "check that the server is up" in said(monkeypatch, REFUSED)
    assert "check that the server is up" not in said(monkeypatch, REFUSED, known=True)
    monkeypatch.setattr(tunnel, "_start", lambda *_: None)
    open_tunnel(TARGET, {20000: 5432}, 0)
    words = said(monkeypatch, REFUSED)
    assert "check that the server is up" not in words
    assert "Fail2Ban has shut this machine's address out" in words


def test_a_refused_key_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tries = []

    def start(*_: object) -> str:
        tries.append(1)
        return "Permission denied (publickey)."

    monkeypatch.setattr(tunnel, "_start", start)
    with pytest.raises(TunnelError, match="authorized_keys"):
        open_tunnel(TARGET, {20000: 5432}, 5)
    assert tries == [1]
