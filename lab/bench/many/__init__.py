"""`make bench-scale`: what a thousand projects cost, in one stack and in one for each pool."""
