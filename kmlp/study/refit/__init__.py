"""A variant once more on every row there is: for what is taken away, not for what is judged."""
