"""A server that answers as Vault does, for what the platform asks of one: KV version 2, AppRole, tokens that end, a seal.

`tests/vault/test_real_vault.py` holds it to the answers of the real one.
"""
