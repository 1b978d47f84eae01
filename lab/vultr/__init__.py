"""A simulated Vultr: the endpoints of API v2 that this project uses, served over TLS from a folder."""
