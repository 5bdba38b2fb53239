"""Which columns a model leans on: what it loses once their values are shuffled."""
