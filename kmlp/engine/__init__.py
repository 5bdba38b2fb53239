"""Members trained as stacks: what they share, what is compiled, how stacks are scheduled."""
