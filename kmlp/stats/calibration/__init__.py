"""What held-out rows add to a model's answers: probabilities that hold, sets, intervals."""
