"""What is searched: hyperparameters, their ranges, and the configs they make."""
