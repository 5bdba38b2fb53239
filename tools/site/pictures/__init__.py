"""The pictures of docs/statistics.md, each of a computation made here by kmlp's own formulas.

python -m tools.site.pictures       # draws them all into docs/pictures
"""
