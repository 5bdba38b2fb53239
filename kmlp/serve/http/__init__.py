"""The server's paths: who may ask what, and in which form it is answered."""
