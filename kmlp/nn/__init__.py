"""Networks in Keras that anyone can use alone: layers, losses, update rules, one layout."""
