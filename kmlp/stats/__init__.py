"""Arrays in, numbers out: metrics, tests, intervals, decompositions."""
