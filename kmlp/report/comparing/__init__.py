"""Scores from anywhere: their page, tables and figures."""
