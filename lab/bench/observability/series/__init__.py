"""A real Prometheus with the real rules, asked of generated projects."""
