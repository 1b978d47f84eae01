"""A host in memory, as the agent sees it: every effect counts, can be killed or fail, and time passes at once.

`host` is the machine: its files, its clock, its programs. `systemd`, `podman`, `caddy` and `redis` are what runs there,
each knowing of the others only what its ports say.
"""
