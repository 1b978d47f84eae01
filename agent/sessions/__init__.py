"""Somebody at a terminal: commands in an app's container, one-off containers, consoles of data services.

`session` prepares one and answers its token, `attach` runs it, `end` leaves nothing of it behind.
"""
