"""A run folder: what was done, durable, and read back only as it was written."""
