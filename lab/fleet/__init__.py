"""Production's shape in the lab: the stack `fleet` on the simulated Vultr, whose servers are lab hosts."""
