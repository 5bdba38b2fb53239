"""What a study is decided by: one of the metrics that kmlp has, or one of the user's own."""
