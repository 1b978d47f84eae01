"""What watching costs: memory, processor and latency on the lab host, and Prometheus for 10, 100 and 1000 projects."""
