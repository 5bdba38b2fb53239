"""A study as a paper: abstract, methods with formulas, results, discussion, an appendix."""
