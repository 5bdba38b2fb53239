"""What a cluster of many machines is held to."""
