"""The whole platform on one Linux machine: host, images, engine, providers."""
