"""The agent as a program: how its file is built and compiled, which version it is, how much processor it takes."""
