"""Models beside the networks, taken away by name: scikit-learn's, and never the best."""
