"""A study: planned, trained where something lacks, kept in a run folder."""
