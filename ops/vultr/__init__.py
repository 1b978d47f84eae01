"""The commands `codeb fleet`: a stack's account at Vultr compared with its state, and mended.

`client` makes the calls, `account` lists, `case` reads account and state together; each command has a module. What is wrong
is found by `codeb.fleet`, without any call.
"""
