"""What more than the ordinary networks shows: the sections of `kmlp/study/results/analyses/`."""
