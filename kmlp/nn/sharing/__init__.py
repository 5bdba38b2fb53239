"""Many networks in one: they share their kernels, and what they say is averaged."""
