"""A table's columns inside a network: what it learns of them, and the layers that prepare them."""
