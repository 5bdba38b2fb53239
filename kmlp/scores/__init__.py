"""Scores from anywhere: read, compared, judged. No networks, no Keras."""
