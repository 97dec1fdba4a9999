"""The command line ``qas``: results on stdout, progress on stderr."""

from search.cli.app import app

__all__ = ["app"]
