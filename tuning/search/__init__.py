"""How it is searched: oracles draw, stacks train, the follow-up checks."""
