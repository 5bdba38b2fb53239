"""What a search found: its trials, the choice, the importances, in numbers and words."""
