"""Models out, predictions in: SavedModels, their cards, and what they are fed."""
