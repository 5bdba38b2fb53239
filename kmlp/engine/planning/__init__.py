"""Which members train together, in stacks of which size: compiling weighed against computing."""
