"""Recipes: networks of the literature as named variants, part by part."""
