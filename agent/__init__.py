"""The code that runs on hosts: standard library only, shipped as one zipapp."""
