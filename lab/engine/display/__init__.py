"""How an operation is shown: as text like Pulumi's own, or as JSON."""
