"""What a stack's members begin with."""
