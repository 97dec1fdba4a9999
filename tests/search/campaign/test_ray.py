"""The same jobs on Ray, where it is installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.campaign.jobs import on_ray

pytest.importorskip("ray")


def test_ray_does_what_processes_do(tmp_path: Path) -> None:
    once = f"test -e {tmp_path}/was || {{ touch {tmp_path}/was; kill -9 $PPID; }}"
    outcomes = {o.job: o for o in on_ray(os.system, ["exit 7", once, 3], 2)}
    assert os.waitstatus_to_exitcode(outcomes["exit 7"].result) == 7
    assert (outcomes[once].result, outcomes[once].failure) == (0, None)
    assert "TypeError" in (outcomes[3].failure or "")
