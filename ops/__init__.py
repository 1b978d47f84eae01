"""The operator's hands: the command `codeb`. Most of it talks to the agents on the stack's servers.

Effects (SSH, the Pulumi CLI, files) are in `access` and `ssh`; what is decided and said is pure (`fleet`, `words`).
"""
