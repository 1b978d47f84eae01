"""`codeb autoscale`: reads how busy servers are, has `codeb.scaling` decide, and brings that about by an ordinary update."""
