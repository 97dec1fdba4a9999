"""Fewer gates at the same energy: pruning, and equivalent circuits."""
