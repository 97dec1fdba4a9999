"""One small campaign, searched once for all tests that look at campaigns."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from search.cli import app

SEARCH = (
    *("search", "--task", "h2", "--device", "FakeManilaV2", "--seed", "1"),
    *("--strategy", "random,tpe,greedy", "--budget", "3000"),
)
TUNE = ("--steps", "4", "--shots", "64", "--seed", "5")


@pytest.fixture(scope="session")
def invoke() -> Callable[..., Any]:
    """A command of ``qas`` in this process; the result has exit_code, stdout and stderr."""

    def run(*words: object) -> Any:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(scope="session")
def search_words() -> tuple[str, ...]:
    """What was typed to make the campaign, without --out."""
    return SEARCH


@pytest.fixture(scope="session")
def tune_words() -> tuple[str, ...]:
    """What was typed to tune it, behind the folder."""
    return TUNE


@pytest.fixture(scope="session")
def finished(invoke: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unbroken campaign; look, do not touch."""
    folder: Path = tmp_path_factory.mktemp("campaign") / "unbroken"
    assert invoke(*SEARCH, "--out", folder).exit_code == 0
    return folder


@pytest.fixture(scope="session")
def tuned(
    invoke: Callable[..., Any], finished: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The unbroken campaign with its best finalist tuned; look, do not touch."""
    folder: Path = tmp_path_factory.mktemp("tuned") / "unbroken"
    shutil.copytree(finished, folder)
    assert invoke("tune", folder, *TUNE).exit_code == 0
    return folder


@pytest.fixture
def campaign_copy(finished: Path, tmp_path: Path) -> Path:
    """The searched campaign, to do with as a test likes."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))
