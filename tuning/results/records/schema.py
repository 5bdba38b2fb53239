"""The JSON schema of a search's `results.json`.

python -m tuning.results.records.schema > tuning/results.schema.json
"""

from kmlp.study.results.records.schema import to_json
from tuning.results.records.search import SearchResults

if __name__ == "__main__":
    print(to_json(SearchResults), end="")
