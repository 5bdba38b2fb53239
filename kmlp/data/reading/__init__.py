"""Files and frames of any make in, plain polars columns out: bytes, dialects, records, cells."""
