"""One campaign by several workers: real processes, really killed, on every kind of storage."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState

from qas.errors import InputError
from qas.problem import Trial
from search.campaign import Campaign, settings_of
from search.campaign.handover import hand_over
from search.campaign.ledger import without_times
from search.campaign.shared import Plan, Shared, opened
from search.campaign.storage import open_storage
from search.campaign.ticket import Holder, tickets

TASK, TRIALS, PATIENCE = "h2", 24, 120.0
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
DRIVER = find_spec("psycopg")


def plan(strategy: str = "random", trials: int = TRIALS, seed: int = 3) -> Plan:
    return Plan(settings_of(TASK, "FakeManilaV2", (strategy,), seed, None, None, None), trials)


def joined(url: str, own: Plan | None = None) -> Shared:
    return opened(open_storage(url), "one", own)


def finished(shared: Shared, lease: float = 5.0) -> Shared:
    """The campaign after this process worked it off."""
    *_, last = shared.work(lease, pause=0.02)
    assert last.done == shared.plan.trials
    return shared


def scored(shared: Shared) -> dict[int, Any]:
    """What every ticket came to, times apart."""
    return {k: without_times(t.outcome) for k, t in shared.tickets().items() if t.is_done}


@pytest.fixture
def urls(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """The URL of an empty storage of each kind; servers end with the test."""
    with server(tmp_path) as postgres:

        def url(kind: str) -> str:
            if kind == "postgresql":
                return postgres()
            return f"{kind}:///{tmp_path}/campaign.{kind}"

        yield url


@contextmanager
def server(folder: Path) -> Iterator[Callable[[], str]]:
    """A PostgreSQL of our own on a socket in a folder, started when asked for."""
    started: list[Path] = []

    def start() -> str:
        if POSTGRES is None or DRIVER is None:
            pytest.skip("PostgreSQL or its driver psycopg is not installed")
        home = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
        started.append(home)
        if os.getuid() == 0:
            shutil.chown(home, "nobody")
        run(POSTGRES / "initdb", "-A", "trust", "-U", "qas", "-D", home / "data", "--no-sync")
        options = f"-c listen_addresses= -k {home} -F"
        run(POSTGRES / "pg_ctl", "-D", home / "data", "-o", options, "-l", home / "log", "-w",
            "start")  # fmt: skip
        return f"postgresql://qas@/postgres?host={home}"

    def run(*words: object) -> None:
        # PostgreSQL refuses to run as root.
        become = ("runuser", "-u", "nobody", "--") if os.getuid() == 0 else ()
        subprocess.run([*become, *map(str, words)], check=True, cwd="/", stdout=subprocess.DEVNULL)

    try:
        yield start
    finally:
        for home in started:
            run(POSTGRES / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop")  # type: ignore[operator]
            shutil.rmtree(home)


@contextmanager
def looked(url: str, own: Plan | None = None) -> Iterator[Shared]:
    """The campaign for a moment: no connection is open when a worker is forked."""
    shared = joined(url, own)
    try:
        yield shared
    finally:
        engine = getattr(shared.storage, "engine", None)
        if engine is not None:
            engine.dispose()


@contextmanager
def worker(url: str) -> Iterator[Any]:
    """A process at work on a campaign, which does not outlive the test.

    Forked, not started afresh: it is at work at once.
    """
    process = get_context("fork").Process(target=lambda: finished(joined(url)))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


@pytest.mark.parametrize(("kind", "trials"), [("sqlite", 50), ("journal", 250), ("postgresql", 50)])
def test_a_worker_killed_three_times_loses_nothing_and_does_nothing_twice(
    kind: str, trials: int, urls: Callable[[str], str], tmp_path: Path
) -> None:
    url, own, rng = urls(kind), plan(trials=trials), np.random.default_rng(7)
    whole = finished(joined(f"journal:///{tmp_path}/whole", own))
    with looked(url, own):
        pass
    with worker(url) as steady:
        for _ in range(3):
            with worker(url) as victim:
                wait_until_it_holds_a_ticket(url, victim)
                time.sleep(float(rng.uniform(0, 0.05)))
                assert victim.is_alive(), "the campaign is too short for this test"
                os.kill(victim.pid, signal.SIGKILL)
                victim.join()
                assert victim.exitcode == -signal.SIGKILL
        steady.join(PATIENCE)
        assert steady.exitcode == 0
    with looked(url) as shared:
        states = [trial.state for trial in shared.study.get_trials(deepcopy=False)]
        assert states.count(TrialState.COMPLETE) == own.trials
        assert set(states) <= {TrialState.COMPLETE, TrialState.FAIL}
        assert scored(shared) == scored(whole)
        drawn = [[ticket.params for ticket in x.tickets().values()] for x in (shared, whole)]
        assert drawn[0] == drawn[1]


def wait_until_it_holds_a_ticket(url: str, process: Any) -> None:
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        with looked(url) as shared:
            signs = [ticket.holder for ticket in shared.tickets().values()]
        if any(sign.startswith(f"{socket.gethostname()}:{process.pid}:") for sign in signs):
            return
        assert process.is_alive()
        time.sleep(0.02)
    raise AssertionError("it draws nothing")


@pytest.mark.parametrize("strategy", ["random", "tpe", "nsga2", "random:gates"])
def test_workers_in_turn_score_every_number_once(strategy: str, tmp_path: Path) -> None:
    """Two workers take turns, each with a ticket drawn that the other finishes."""
    url, own = f"journal:///{tmp_path}/one", plan(strategy, 40)
    one, other = joined(url, own), joined(url)
    left = one._drawn({}, Holder(0.01))
    assert left is not None
    turns = [shared.work(0.01, pause=0.01) for shared in (one, other)]
    for _ in range(200):
        ends = [next(turn, None) for turn in turns]
        if None in ends:
            break
    held = one.tickets()
    assert list(held) == list(range(40))
    assert all(ticket.is_done for ticket in held.values())
    assert held[0].params == left.params
    words = [one.choice.read(ticket.params) for ticket in held.values()]
    assert words == [(ticket.word, ticket.layout) for ticket in held.values()]


@pytest.mark.parametrize("strategy", ["tpe", "nsga2"])
def test_one_worker_alone_repeats_itself(strategy: str, tmp_path: Path) -> None:
    runs = [
        scored(finished(joined(f"journal:///{tmp_path}/{k}", plan(strategy, 40)))) for k in (1, 2)
    ]
    assert runs[0] == runs[1]


def test_a_ticket_comes_to_the_same_whoever_scores_it(tmp_path: Path) -> None:
    url = f"journal:///{tmp_path}/one"
    one = finished(joined(url, plan(trials=6)))
    other = joined(url)
    for ticket in one.tickets().values():
        trial, _ = other.scored(ticket)
        told = Trial.from_dict(ticket.outcome)
        assert (trial.native, trial.params, trial.energy) == (told.native, told.params, told.energy)


def test_two_scores_of_one_ticket_count_once(tmp_path: Path) -> None:
    url = f"journal:///{tmp_path}/one"
    one, other = joined(url, plan()), joined(url)
    ticket = one._drawn({}, Holder(5.0))
    assert ticket is not None
    assert one._finish(ticket, Holder(5.0))
    before = one.tickets()
    assert not other._finish(ticket, Holder(5.0))
    assert other.tickets() == before


def test_of_two_draws_for_a_number_the_first_is_valid(tmp_path: Path) -> None:
    url = f"journal:///{tmp_path}/one"
    one, other = joined(url, plan()), joined(url)
    first, second = one._drawn({}, Holder(5.0)), other._drawn({}, Holder(5.0))
    assert first is not None
    assert second is None
    assert [t.state for t in one.study.trials] == [TrialState.RUNNING, TrialState.FAIL]
    assert tickets(one.study.trials) == {0: first}


def test_who_is_dead(tmp_path: Path) -> None:
    """A process of this machine that is no more, or silence for a lease; nobody who signs."""
    url = f"journal:///{tmp_path}/one"
    shared, far = joined(url, plan()), Holder(0.2)
    ticket = shared._drawn({}, far)
    assert ticket is not None
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    here = socket.gethostname()

    def held_by(name: str) -> Any:
        shared.storage.set_trial_user_attr(ticket.trial_id, "holder", name)
        return shared.tickets()[0]

    watcher = Holder(0.2)
    assert watcher.is_abandoned(held_by(f"{here}:{ended.pid}:x:1"))
    assert not watcher.is_abandoned(held_by(f"{here}:{os.getpid()}:x:1"))
    for beat in range(4):
        assert not watcher.is_abandoned(held_by(f"elsewhere:1:x:{beat}"))
        time.sleep(0.1)
    time.sleep(0.25)
    assert watcher.is_abandoned(shared.tickets()[0])


def test_a_torn_journal_is_cut_at_its_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "one"
    shared = finished(joined(f"journal:///{path}", plan(trials=4)))
    whole, before = path.read_bytes(), scored(shared)
    for torn in (b"{", b'{"op_code": 6, "worker' * 500):
        path.write_bytes(whole + torn)
        assert scored(joined(f"journal:///{path}")) == before
        assert path.read_bytes() == whole
    with open(path, "ab") as file:  # torn while a worker is at it
        file.write(b'{"op_code')
    shared.study.set_user_attr("note", 1)
    assert joined(f"journal:///{path}").study.user_attrs["note"] == 1


def test_settings_are_frozen_by_the_first(tmp_path: Path) -> None:
    url = f"journal:///{tmp_path}/one"
    with pytest.raises(InputError, match="there is no study 'one'"):
        joined(url)
    joined(url, plan())
    assert joined(url).plan == joined(url, plan()).plan == plan()
    with pytest.raises(InputError, match="another seed, trials"):
        joined(url, plan(trials=7, seed=9))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://host", "no storage is called 'redis'"),
        ("sqlite:////no/such/folder/x.db", "cannot be opened"),
        ("journal:////proc/no/x", "cannot be opened"),
        ("postgresql://me:hidden@/db?host=/no/such", r"me:\*\*\*@|driver"),
        ("postgresql://me:hidden@host:port/db", "cannot be opened|driver"),
    ],
)
def test_storages_that_cannot_be(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        open_storage(url)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_a_file_of_something_else_is_left_alone(kind: str, tmp_path: Path) -> None:
    """A last line without its end would be cut off a journal."""
    own = tmp_path / "mine.json"
    own.write_text('{"name": "mine", "paulis": ["ZZ"]}')
    with pytest.raises(InputError, match=r"mine\.json"):
        open_storage(f"{kind}:///{own}")
    assert own.read_text() == '{"name": "mine", "paulis": ["ZZ"]}'


def test_what_workers_cannot_share_is_refused() -> None:
    with pytest.raises(InputError, match="workers share one strategy of random, tpe"):
        plan("greedy")


def test_handed_over_it_is_an_ordinary_campaign(invoke: Callable[..., Any], tmp_path: Path) -> None:
    shared, folder = joined(f"journal:///{tmp_path}/one", plan("tpe", 12)), tmp_path / "campaign"
    with pytest.raises(InputError, match="0 of 12 circuits are scored"):
        hand_over(shared, folder)
    words = ("--storage", f"journal:///{tmp_path}/one", "--study", "one", "--export", folder)
    assert invoke("worker", *words, "--json").exit_code == 0
    campaign, costs = Campaign.open(folder), [t["spent"] for t in scored(shared).values()]
    rows = campaign.ledger.of_kind("trial")
    assert [row["number"] for row in rows] == list(range(12))
    energies = sorted(row["trial"]["energy"] for row in rows)
    assert energies == sorted(outcome["energy"] for outcome in scored(shared).values())
    summary = campaign.summary()
    assert summary["spent"]["evaluations"] == sum(cost["evaluations"] for cost in costs)
    assert summary["finalists"]
    assert (folder / "report.html").exists()
    assert invoke("report", folder).exit_code == 0
    assert invoke("worker", *words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--trials", 5),
        ("--task", "h2", "--lease", 0),
        ("--task", "h2", "--lease", "nan"),
        ("--task", "h2", "--lease", "inf"),
        ("--task", "h2", "--strategy", ""),
        ("--task", "h2", "--device", ""),
        ("--task", "h2", "--json"),
        ("--task", "h2", "--export", __file__),
        (),
    ],
)
def test_a_worker_says_what_it_needs(
    words: tuple[object, ...], invoke: Callable[..., Any], tmp_path: Path
) -> None:
    where = ("--storage", f"journal:///{tmp_path}/one", "--study", "one")
    result = invoke("worker", *where, *words)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert any(sign in result.stderr for sign in ("--", "unknown strategy", "unknown device"))
