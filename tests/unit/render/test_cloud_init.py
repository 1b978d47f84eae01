"""User data: a cloud-config with one host key and root's keys, quoted whatever they hold."""

from __future__ import annotations

import yaml

from codeb.hostkeys import first_host_key
from codeb.render.cloud_init import user_data

KEY = first_host_key(bytes(range(48)))
HOSTILE = 'ssh-ed25519 AAAAC3Nza ann"\nruncmd: [reboot]\n# #cloud-config'


def test_a_machine_has_one_host_key_and_lets_in_these_keys_only() -> None:
    text = user_data(KEY, ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"])
    assert text.startswith("#cloud-config\n")
    found = yaml.safe_load(text)
    assert found["ssh_keys"] == {"ecdsa_private": KEY.private, "ecdsa_public": KEY.public}
    assert found["ssh_genkeytypes"] == []
    assert found["ssh_deletekeys"] is True
    assert found["ssh_pwauth"] is False
    assert found["users"] == [
        {"name": "root", "ssh_authorized_keys": ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"]}
    ]


def test_a_hostile_key_stays_a_text() -> None:
    found = yaml.safe_load(user_data(KEY, [HOSTILE]))
    assert found["users"][0]["ssh_authorized_keys"] == [HOSTILE]
    assert "runcmd" not in found


def test_the_same_facts_make_the_same_bytes() -> None:
    assert user_data(KEY, ["a"]) == user_data(KEY, ["a"])
