"""Whatever is read from outside, damaged thousands of times: only a `KmlpError` gets out."""
