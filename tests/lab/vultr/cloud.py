"""What tests of the simulated cloud's machines do: boot a server from user data, and log in with its pinned key."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lab.host.processes import wait_until
from lab.vultr.machines import LabMachines
from lab.vultr.machines.servers import Server
from lab.vultr.ports import Addresses, InstanceSpec, VpcSpec

PATIENCE_S = 60.0


@dataclass(frozen=True)
class HostKey:
    """An ECDSA host key, as the program derives one."""

    private: str
    public: str

    @classmethod
    def new(cls) -> HostKey:
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return cls(private.decode(), public.decode())


@dataclass(frozen=True)
class Booted:
    """A server that was booted with a key of its own, and how to get in as a stranger would."""

    spec: InstanceSpec
    addresses: Addresses
    key: HostKey
    cloud: Cloud

    def ssh(self, *words: str, known: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command as root by SSH, with the pinned host key, or with another one."""
        pinned = self.cloud.folder / f"known-{self.spec.id}"
        pinned.write_text(f"{self.addresses.main} {known or self.key.public}\n")
        options = (
            f"UserKnownHostsFile={pinned}",
            "StrictHostKeyChecking=yes",
            "BatchMode=yes",
            "ConnectTimeout=5",
        )
        line = ["ssh", "-F", "none", *(word for option in options for word in ("-o", option))]
        line += [
            "-o",
            "IdentitiesOnly=yes",
            "-i",
            str(self.cloud.login),
            f"root@{self.addresses.main}",
            *words,
        ]
        return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def wait(self) -> None:
        """Until its sshd lets us in."""
        assert wait_until(lambda: self.ssh("true").returncode == 0, PATIENCE_S, pause=0.5), self.ssh(
            "true"
        ).stderr

    def said(self, script: str) -> str:
        """Output of a script that must succeed, on the server's console."""
        done = self.machine.run(["sh", "-c", script])
        assert done.returncode == 0, f"{script}: {done.stderr.decode()}{done.stdout.decode()}"
        return done.stdout.decode().strip()

    def fails(self, script: str) -> str:
        """What a script says that must fail."""
        done = self.machine.run(["sh", "-c", script])
        assert done.returncode != 0, f"{script} works: {done.stdout.decode()}"
        return done.stderr.decode()

    @property
    def machine(self) -> Server:
        ground = self.cloud.machines.ground
        return ground.server(ground.book.read(), self.spec.id)


@dataclass(frozen=True)
class Cloud:
    """The machines, and a key of a person who is let in."""

    machines: LabMachines
    folder: Path

    @property
    def login(self) -> Path:
        key = self.folder / "login"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        return key

    def boot(self, instance: str, hostname: str, *vpcs: VpcSpec, **more: object) -> Booted:
        """A server with a pinned key; it may still be at its cloud-init when this returns."""
        key = HostKey.new()
        spec = InstanceSpec(instance, hostname, instance, self.user_data(key, **more), vpcs=vpcs)
        return Booted(spec, self.machines.boot(spec), key, self)

    def user_data(self, key: HostKey, **more: object) -> str:
        """A cloud-config that brings a host key and lets this test in."""
        document = {
            "ssh_keys": {"ecdsa_private": key.private, "ecdsa_public": key.public},
            "ssh_authorized_keys": [Path(f"{self.login}.pub").read_text().strip()],
            **more,
        }
        return f"#cloud-config\n{yaml.safe_dump(document)}"
