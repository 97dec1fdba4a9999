"""The report: pure functions of ledger rows and the summary, no files read or written."""

from search.report.page import figures, render

__all__ = ["figures", "render"]
