"""Runs on a host, on its agent's own modules: change a byte of the newest dump of a project in the store here."""

import sys

sys.path.insert(0, "/usr/local/bin/codeb-agent")

from agent.real import ports as real_ports
from agent.store import backups
from agent.store.settings import HERE, load_settings

PROJECT = "blog"

ports = real_ports()
store = load_settings(ports).store(HERE)
assert store is not None
newest = backups.listed(ports, store.place, PROJECT).backups[0]
key = backups.dump_key(PROJECT, newest.id)
content = bytearray(b"".join(ports.s3.get(store.place, key)))
content[-50] ^= 1
ports.s3.put(store.place, key, bytes(content))
