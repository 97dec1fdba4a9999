"""What the page says of a classifier where it says other things than of an energy."""

from search.report.classifier.board import leaderboard
from search.report.classifier.confusion import classes, confusion
from search.report.classifier.guide import guide
from search.report.classifier.headline import headline
from search.report.classifier.values import values, verdict

__all__ = ["classes", "confusion", "guide", "headline", "leaderboard", "values", "verdict"]
