"""Models over HTTP: TensorFlow Serving's REST interface, and what runs behind it."""
