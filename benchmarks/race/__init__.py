"""What `benchmarks/speed.py` is made of: the sides, each in its own process, and their judge."""
