"""Seeds by counting: no generator's state has to be saved."""

from __future__ import annotations

import hashlib


def step_seed(seed: int, step: int, purpose: str) -> int:
    """A 63-bit seed for one purpose of one step of one run."""
    digest = hashlib.sha256(f"{seed}/{step}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
