"""Folders of exported models: which version comes next, whose they are, what lies there."""
