"""What is inside a SavedModel: raw columns into the encoded matrix, networks, signatures."""
