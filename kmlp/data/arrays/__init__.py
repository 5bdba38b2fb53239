"""Files of arrays and images: opened only as what they claim to be, bounded, read to their end."""
