"""Pulumi plugins in Python, for a machine that can't download the real ones.

The CLI starts each as a process of its own and speaks gRPC with it: `language` runs Python programs, `resource` is a
provider of `lab.providers`. A plugin prints its port and ends with the CLI (`serving`).
"""
