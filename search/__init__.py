"""Search campaigns: strategies, ledger, report and command line."""
