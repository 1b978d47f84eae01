"""`make bench-scaling`: servers join and leave a pool under load."""
