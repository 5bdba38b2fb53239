"""Models that are no networks, trained on the same rows: who beats a network by less?"""
