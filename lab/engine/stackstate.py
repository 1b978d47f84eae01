"""Opening a stack's state for an operation, and closing it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.engine import checkpoint, ledger
from lab.engine import urn as urns
from lab.engine.checkpoint import ORGANIZATION, StackFiles
from lab.engine.crypto import Crypter
from lab.engine.encoding import Codec
from lab.engine.errors import EngineError
from lab.engine.ledger import Journal, Ledger
from lab.engine.provider import ProviderError
from lab.engine.resource import Resource
from lab.engine.snapshot import JournaledSnapshot, Snapshot
from lab.engine.values import PropertyMap, Secret, Value

Document = dict[str, Any]


@dataclass
class StackState:
    """A stack's state as an operation finds it."""

    files: StackFiles
    passphrase: str
    crypter: Crypter
    codec: Codec
    documents: list[Document]
    resources: list[Resource]
    interrupted: list[Document]
    """Operations that an earlier run began and did not end."""
    resumed: bool
    """An earlier run was killed, and what it had done was found in its journal."""
    text: str | None
    """The state file; None when there is none, or what is in memory is newer."""

    @classmethod
    def open(cls, files: StackFiles, passphrase: str, config_salt: str | None) -> StackState:
        """Read the state, with what a killed run has left in its journal.

        Raises:
            EngineError: the state can't be read.
        """
        text = checkpoint.read_text(files.checkpoint)
        deployment = checkpoint.parse(text, files.checkpoint) if text is not None else {}
        book = Ledger(deployment.get("resources") or [])
        resumed = ledger.replay(files.journal, ledger.digest(text), book)
        interrupted = [*(deployment.get("pending_operations") or []), *book.pending()]
        documents = book.resources()
        state_salt = checkpoint.salt_of(deployment, files.checkpoint)
        crypter = _crypter(passphrase, config_salt or state_salt)
        if config_salt and state_salt and config_salt != state_salt:
            documents = _encrypted_anew(documents, Crypter.open(passphrase, state_salt), crypter)
            text = None
        codec = Codec(crypter)
        resources = [codec.resource_from_json(document) for document in documents]
        current = None if resumed or state_salt is None else text
        return cls(files, passphrase, crypter, codec, documents, resources, interrupted, resumed, current)

    def begin(self) -> StackWriter:
        """Get ready to change the state."""
        if self.text is None:
            self.text = self._encode(self.documents, [])
            checkpoint.save(self.files.checkpoint, self.text)
        return StackWriter(self)

    def _encode(self, documents: list[Document], pending: list[Document]) -> str:
        name = f"{ORGANIZATION}/{self.files.project}/{self.files.stack}"
        return checkpoint.encode(name, documents, pending, self.crypter)

    def outputs(self) -> PropertyMap:
        """The stack's outputs."""
        return next((item.outputs for item in self.resources if urns.is_root_stack(item.urn)), {})

    def outputs_of(self, name: str) -> PropertyMap:
        """The outputs of another stack of this backend, or of this one, as a stack reference names it.

        Raises:
            ProviderError: there is no such stack.
        """
        project, stack = _stack_name(name, self.files.project)
        if (project, stack) == (self.files.project, self.files.stack):
            return self.outputs()
        files = StackFiles(self.files.backend, project, stack)
        if not files.checkpoint.exists():
            raise ProviderError(f"unknown stack {name!r}: {self.files.backend} has none of this name")
        try:
            return dict(_reencryptable(StackState.open(files, self.passphrase, None).outputs()))
        except EngineError as error:
            raise ProviderError(f"stack {name!r} can't be read: {error}") from error


class StackWriter:
    """Changes the state of a stack; `close` makes the changes a checkpoint."""

    def __init__(self, state: StackState) -> None:
        self._state = state
        self._ledger = Ledger(state.documents)
        self._journal = Journal(state.files.journal, ledger.digest(state.text))
        self.snapshot: Snapshot = JournaledSnapshot(state.resources, self._ledger, self._journal, state.codec)

    def close(self) -> None:
        """Fold the ledger into the checkpoint."""
        text = self._state._encode(self._ledger.resources(), self._ledger.pending())
        checkpoint.save(self._state.files.checkpoint, text)
        self._journal.close()


def _stack_name(name: str, project: str) -> tuple[str, str]:
    parts = name.split("/")
    if len(parts) == 1:
        return project, parts[0]
    if len(parts) == 3 and parts[0] == ORGANIZATION:
        return parts[1], parts[2]
    raise ProviderError(
        f"stack reference {name!r}: expected {ORGANIZATION}/<project>/<stack>, or the name of a stack of this project"
    )


def _reencryptable(value: Value) -> Value:
    """The value with secrets that this stack encrypts with its own key."""
    if isinstance(value, Secret):
        return Secret(value.value)
    if isinstance(value, dict):
        return {key: _reencryptable(item) for key, item in value.items()}
    return [_reencryptable(item) for item in value] if isinstance(value, list) else value


def _crypter(passphrase: str, salt: str | None) -> Crypter:
    return Crypter.open(passphrase, salt) if salt else Crypter.new(passphrase)


def _encrypted_anew(documents: list[Document], old: Crypter, new: Crypter) -> list[Document]:
    reader, writer = Codec(old, forget_ciphertexts=True), Codec(new)
    return [writer.resource_to_json(reader.resource_from_json(document)) for document in documents]
