"""Many machines: a Ray cluster trains what one machine would; its driver keeps the books."""
