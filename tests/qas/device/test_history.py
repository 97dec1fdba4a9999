"""Other calibrations of a chip, from files of several kinds."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas import load_device
from qas.device import Device
from qas.device.history import chip_words, load_calibrations
from qas.errors import InputError

MANILA = load_device("FakeManilaV2")


def history(devices: list[Device], **changes: Any) -> dict[str, Any]:
    """The columns of a daily history that says what the devices say."""
    edges = MANILA.couplings
    columns: dict[str, Any] = {
        "last_update_date": np.array([d.calibration_date for d in devices]),
        "T1_s": np.array([[q.t1 for q in d.qubits] for d in devices]),
        "T2_s": np.array([[q.t2 for q in d.qubits] for d in devices]),
        "prob_meas0_prep1": np.array([[q.p01 for q in d.qubits] for d in devices]),
        "prob_meas1_prep0": np.array([[q.p10 for q in d.qubits] for d in devices]),
        "cx_edges": np.array(edges, dtype=np.int16),
    }
    for name, places in (
        *((g, [(q,) for q in range(5)]) for g in ("rz", "sx", "x")),
        ("cx", edges),
    ):
        table = [[d.gate(name, where) for where in places] for d in devices]
        columns[f"{name}_error"] = np.array([[g.error for g in row] for row in table])
        columns[f"{name}_length_s"] = np.array([[g.duration for g in row] for row in table])
    return columns | changes


def on_day(day: int, factor: float) -> Device:
    gates = tuple(replace(g, error=g.error * factor) for g in MANILA.gates)
    return replace(MANILA, gates=gates, calibration_date=f"2022-01-{day:02d}T00:00:00+00:00")


DAYS = [on_day(3, 1.5), on_day(1, 2.0), on_day(2, 0.5)]


def test_a_history_gives_back_what_it_was_made_of(tmp_path: Path) -> None:
    np.savez(tmp_path / "ibmq_manila_daily.npz", **history(DAYS))
    for source in (tmp_path, tmp_path / "ibmq_manila_daily.npz"):
        found = load_calibrations(source, MANILA)
        assert [d.hash for d in found] == [DAYS[k].hash for k in (1, 2, 0)]


def test_saved_devices_and_histories_stand_side_by_side(tmp_path: Path) -> None:
    """Equal ones count once, and today's is no other day."""
    np.savez(tmp_path / "manila.npz", **history([DAYS[0], MANILA]))
    (tmp_path / "FakeManilaV2-b.json").write_text(DAYS[0].to_json())
    with gzip.open(tmp_path / "ibmq_manila-c.json.gz", "wt") as file:
        file.write(DAYS[1].to_json())
    (tmp_path / "ibmq_lima.json").write_text("not to be read")
    (tmp_path / "notes.txt").write_text("nor this")
    found = load_calibrations(tmp_path, MANILA)
    assert [d.hash for d in found] == [DAYS[1].hash, DAYS[0].hash]


def test_holes_make_gates_and_qubits_unavailable(tmp_path: Path) -> None:
    columns = history(DAYS[:1])
    columns["cx_error"][0, 0] = 1.0
    columns["T1_s"][0, 4] = np.nan
    np.savez(tmp_path / "manila.npz", **columns)
    (day,) = load_calibrations(tmp_path, MANILA)
    assert day.available_qubits == (0, 1, 2, 3)
    assert day.gate("cx", MANILA.couplings[0]) is None
    assert day.gate("cx", MANILA.couplings[1]) is not None


def test_days_of_the_old_basis_are_read(tmp_path: Path) -> None:
    columns = history(DAYS[:1])
    for old, new in (("u1", "rz"), ("u2", "sx"), ("u3", "x")):
        for what in ("error", "length_s"):
            columns[f"{old}_{what}"] = columns[f"{new}_{what}"].copy()
            columns[f"{new}_{what}"][:] = np.nan
    np.savez(tmp_path / "manila.npz", **columns)
    (day,) = load_calibrations(tmp_path, MANILA)
    assert day.gates == DAYS[0].gates


def test_few_are_kept_spread_over_the_dates(tmp_path: Path) -> None:
    days = [on_day(day, 1 + day / 100) for day in range(1, 21)]
    np.savez(tmp_path / "manila.npz", **history(days))
    assert len(load_calibrations(tmp_path, MANILA)) == 20
    found = load_calibrations(tmp_path, MANILA, most=4)
    assert [int(str(d.calibration_date)[8:10]) for d in found] == [1, 7, 14, 20]
    with pytest.raises(InputError, match="at least one"):
        load_calibrations(tmp_path, MANILA, most=0)


def test_chips_are_told_by_their_words() -> None:
    for name in ("FakeManilaV2", "ibmq_manila", "Manila", "fake_manila_v2"):
        assert chip_words(name) == ("manila",)
    assert "oslo" not in chip_words("ibm_oslo2-2022")


def damaged(columns: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {k: v for k, v in (columns | changes).items() if v is not None}


@pytest.mark.parametrize(
    "changes",
    [{"T1_s": None}, {"cx_error": None}, {"cx_edges": np.array([[0, 9]])}, {"T1_s": np.zeros(3)}],
)
def test_damaged_histories_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    np.savez(tmp_path / "manila.npz", **damaged(history(DAYS), **changes))
    with pytest.raises(InputError, match=r"manila.npz' is no daily history"):
        load_calibrations(tmp_path, MANILA)


def test_what_does_not_fit_teaches(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_calibrations(tmp_path / "none", MANILA)
    with pytest.raises(InputError, match="no file that names manila"):
        load_calibrations(tmp_path, MANILA)
    (tmp_path / "manila.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(InputError, match="no daily history"):
        load_calibrations(tmp_path, MANILA)
    other = tmp_path / "other.json"
    other.write_text(load_device("FakeLagosV2").to_json())
    with pytest.raises(InputError, match=r"\[7\] qubits"):
        load_calibrations(other, MANILA)
    other.write_text(MANILA.to_json())
    with pytest.raises(InputError, match="no other calibration"):
        load_calibrations(other, MANILA)


def test_a_year_of_a_real_chip(data_folder: Path) -> None:
    """One day of the record is the snapshot that Qiskit ships, and so is no other day."""
    lima = load_device("FakeLimaV2")
    altered = replace(lima, qubits=(replace(lima.qubits[0], t1=1e-4), *lima.qubits[1:]))
    found = load_calibrations(data_folder / "drift", lima)
    assert len(found) > 300
    (same,) = set(load_calibrations(data_folder / "drift", altered)) - set(found)
    assert same.couplings == lima.couplings
    assert [q.t1 for q in same.qubits] == pytest.approx([q.t1 for q in lima.qubits])
    manila = load_calibrations(data_folder / "drift", MANILA)
    assert sum(len(day.couplings) < 8 for day in manila) > 0
