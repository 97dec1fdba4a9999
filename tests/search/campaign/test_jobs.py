"""Jobs on real processes, really killed. A job here is a line for the shell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from search.campaign.jobs import on_processes

KILL = "kill -9 $PPID"
"""The shell's parent is the worker."""
PATIENCE = 300.0
SLEEPER = """
from search.campaign.jobs import on_processes
import time
if __name__ == "__main__":
    list(on_processes(time.sleep, [300.0, 300.0], 2))
"""


def test_what_a_killed_worker_held_is_done_again_and_nothing_else_is_lost(tmp_path: Path) -> None:
    once = f"test -e {tmp_path}/was || {{ touch {tmp_path}/was; {KILL}; }}"
    deaths = f"echo >> {tmp_path}/deaths; {KILL}"
    threads = "exit $OMP_NUM_THREADS"
    jobs = [once, deaths, 3, threads]
    outcomes = {o.job: o for o in on_processes(os.system, jobs, 1)}
    assert set(outcomes) == set(jobs)
    assert (outcomes[once].result, outcomes[once].failure) == (0, None)
    assert outcomes[deaths].failure == "its worker ended by signal 9, 2 times"
    assert (tmp_path / "deaths").read_text() == "\n\n"
    assert "TypeError" in (outcomes[3].failure or "")
    assert os.waitstatus_to_exitcode(outcomes[threads].result) == 1


def test_closed_early_it_ends_its_workers(tmp_path: Path) -> None:
    mine = [f"echo $PPID > {tmp_path}/{k}" for k in (1, 2)]
    with closing(on_processes(os.system, [*mine, "sleep 30"], 1)) as outcomes:
        done = [next(outcomes) for _ in mine]
    assert [o.result for o in done] == [0, 0]
    first, second = ((tmp_path / str(k)).read_text() for k in (1, 2))
    assert first == second, "a worker is started once"
    assert not alive(int(first))


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    with subprocess.Popen([sys.executable, script]) as parent:
        assert soon(lambda: len(workers(parent.pid)) == 2), "no workers in time"
        children = workers(parent.pid)
        parent.send_signal(signal.SIGKILL)
    assert soon(lambda: not any(map(alive, children)))


def soon(true: Callable[[], bool]) -> bool:
    """True as soon as ``true()`` is; False when patience ends."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > PATIENCE:
            return False
        time.sleep(0.05)
    return True


def workers(parent: int) -> list[int]:
    """Spawned children that sleep in their job, or are about to; not the resource tracker."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    spawned = [pid for pid in listed if b"spawn_main" in command(int(pid))]
    return [int(pid) for pid in spawned]


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    """A zombie has no command line any more."""
    return command(pid) != b""
