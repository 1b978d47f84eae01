"""An ACME CA of the lab's own: Pebble, and the DNS server by which it finds every name where the lab wants it."""
