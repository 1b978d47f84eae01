"""How the agent reaches a host: the narrow ports, the programs as token lists, the places and names, and systemd.

In: what the rooms above want to know or to have done. Out: it is done, known, or `Failed`. All goes through `ports`,
which the tests have in memory (`agent.real` is the machine itself).
"""
