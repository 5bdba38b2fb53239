"""Exported networks in forms for other runtimes than TensorFlow."""
