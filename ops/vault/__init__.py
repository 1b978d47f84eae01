"""The stack's vault: one login, the secrets of projects read and set, and what stands in the way in words.

By hvac, an extra: plain `codeb` does without. No message has a value, nor a text of the vault's that could have one.
"""
