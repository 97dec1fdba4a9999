"""Options, fixtures and settings that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# Derandomised: a failure found once is found by everybody; compilation makes first calls slow.
settings.register_profile("qas", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("qas")

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--data-folder",
        type=Path,
        default=None,
        help="folder of the shared reference data (default: $QAS_DATA, else ../shared/data)",
    )


@pytest.fixture(scope="session")
def data_folder(request: pytest.FixtureRequest) -> Path:
    """The shared reference data; tests that need it are skipped where it is absent."""
    named = request.config.getoption("--data-folder") or os.environ.get("QAS_DATA")
    folder = Path(named) if named else BESIDE
    if folder.is_dir():
        return folder
    if named:
        pytest.fail(f"the data folder {folder} does not exist")
    pytest.skip("no reference data; name their folder by --data-folder or QAS_DATA")
