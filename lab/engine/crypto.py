"""Encryption of secrets with a passphrase, compatible with Pulumi's `passphrase` secrets provider.

AES-256-GCM; the key is PBKDF2-HMAC-SHA256 of the passphrase, 1,000,000 rounds. Facts: `pkg/secrets/passphrase` and
`sdk/go/common/resource/config/crypt.go` of pulumi/pulumi.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64decode, b64encode
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lab.engine.errors import EngineError

_ROUNDS: Final = 1_000_000
_CHECK: Final = "pulumi"


def _encode(data: bytes) -> str:
    return b64encode(data).decode()


class Crypter:
    """Encrypts and decrypts secrets of one stack. The key is derived in the background.

    `state` is what Pulumi keeps as `encryptionsalt`, or in the checkpoint as `secrets_providers.state.salt`.
    """

    def __init__(self, passphrase: str, salt: bytes) -> None:
        worker = ThreadPoolExecutor(1)
        self._key: Future[AESGCM] = worker.submit(_derive, passphrase, salt)
        worker.shutdown(wait=False)
        self._salt = salt
        self._state: str | None = None

    @classmethod
    def new(cls, passphrase: str) -> Crypter:
        """For a stack that has no salt yet."""
        return cls(passphrase, os.urandom(8))

    @classmethod
    def open(cls, passphrase: str, state: str) -> Crypter:
        """For a stack that has a salt.

        Raises:
            EngineError: the salt is malformed, or the passphrase is not the one it was made with.
        """
        version, _, rest = state.partition(":")
        salt, _, check = rest.partition(":")
        if version != "v1" or not check:
            raise EngineError("the stack's encryption salt is malformed (expected v1:<salt>:<check>)")
        crypter = cls(passphrase, b64decode(salt))
        try:
            correct = crypter._decrypt_text(check) == _CHECK
        except InvalidTag:
            correct = False
        if not correct:
            raise EngineError(
                "incorrect passphrase: it does not open this stack's secrets. "
                "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the one the stack was made with"
            )
        crypter._state = state
        return crypter

    @property
    def state(self) -> str:
        """The salt and a check text, to be kept with the stack."""
        if self._state is None:
            self._state = f"v1:{_encode(self._salt)}:{self._encrypt_text(_CHECK)}"
        return self._state

    def encrypt(self, value: Any) -> str:
        """Ciphertext of a value, which is stored as JSON."""
        return self._encrypt_text(json.dumps(value, separators=(",", ":"), ensure_ascii=False))

    def decrypt(self, ciphertext: str) -> Any:
        """The value back.

        Raises:
            EngineError: the ciphertext is damaged, or belongs to another stack.
        """
        return json.loads(self.decrypt_text(ciphertext))

    def decrypt_text(self, ciphertext: str) -> str:
        """The text of a configuration value, which is stored as it is.

        Raises:
            EngineError: the ciphertext is damaged, or belongs to another stack.
        """
        try:
            return self._decrypt_text(ciphertext)
        except (InvalidTag, ValueError) as error:
            raise EngineError(
                "a secret can't be decrypted: it is damaged or was encrypted for another stack or passphrase"
            ) from error

    def _encrypt_text(self, text: str) -> str:
        nonce = os.urandom(12)
        return f"v1:{_encode(nonce)}:{_encode(self._key.result().encrypt(nonce, text.encode(), None))}"

    def _decrypt_text(self, ciphertext: str) -> str:
        version, nonce, data = ciphertext.split(":")
        if version != "v1":
            raise ValueError("unknown ciphertext version")
        return self._key.result().decrypt(b64decode(nonce), b64decode(data), None).decode()


def _derive(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, _ROUNDS, 32))
