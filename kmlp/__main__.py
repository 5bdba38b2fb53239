"""`python -m kmlp`: the command line."""

from kmlp.cli import main

if __name__ == "__main__":
    main()
