"""Scores from anywhere."""
