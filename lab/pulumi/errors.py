"""What can be wrong with a stack."""


class StackError(Exception):
    """The CLI can't do what was asked; the message says why and what to do."""
