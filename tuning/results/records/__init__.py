"""What a search's `results.json` holds, as records. Read, never changed; no Keras."""
