"""The page beside an exported model: what it is, and what to expect of it."""
