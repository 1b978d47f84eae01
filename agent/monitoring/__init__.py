"""What monitoring is told of this host's projects, and what its services on this host answer."""
