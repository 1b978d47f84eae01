"""User data for cloud-init: a machine's first host key, and who may log in."""

from __future__ import annotations

import json
from collections.abc import Sequence

from codeb.hostkeys import SshKey

_HEADER = "#cloud-config\n"


def user_data(host_key: SshKey, authorized: Sequence[str]) -> str:
    """A cloud-config (YAML, of which JSON is a part) with an ECDSA host key and root's authorized keys.

    Without `ssh_genkeytypes` cloud-init would make the missing host keys of other types, and sshd offer those as well.
    """
    document = {
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": [],
        "ssh_keys": {"ecdsa_private": host_key.private, "ecdsa_public": host_key.public},
        "users": [{"name": "root", "ssh_authorized_keys": list(authorized)}],
    }
    return _HEADER + json.dumps(document, indent=1) + "\n"
