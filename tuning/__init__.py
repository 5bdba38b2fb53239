"""KerasTuner searches over kmlp's configs."""
