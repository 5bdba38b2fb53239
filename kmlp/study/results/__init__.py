"""From a run folder to numbers and words: one file an analysis."""
