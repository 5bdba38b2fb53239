"""What `results.json` holds, as records: one file an analysis. Read, never changed; no Keras."""
