"""What a running service tells of itself: figures for Prometheus, a line for each request, traces."""
