"""A report's sections: one analysis a file."""
