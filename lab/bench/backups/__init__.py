"""How long backups and proofs of a large database take, and what visitors notice of them."""
