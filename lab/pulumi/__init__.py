"""The real Pulumi CLI in the lab: found or built (`cli`), with a home and plugins of its own (`home`), on a stack (`stack`).

The CLI does the work and its output is what people see. What is added here is small: the environment, a copy of the stack's
settings for what the CLI writes, a lock left by a killed run, creations that a killed run began.
"""
