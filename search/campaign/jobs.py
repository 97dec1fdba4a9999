"""Independent jobs, on local processes or on Ray: outcomes as they come.

A job whose worker dies (killed, out of memory) is run again once; after that, as after an
exception, its outcome says what happened, and the other jobs go on.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import connection, get_context, parent_process, resource_tracker
from typing import Any, Generic, TypeVar

from qas.errors import InputError

Job = TypeVar("Job")
ATTEMPTS = 2
"""How often a job is begun while its workers die."""
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
"""For workers: threads of many processes on few cores wait for each other."""


@dataclass(frozen=True)
class Outcome(Generic[Job]):
    """What became of a job."""

    job: Job
    result: Any = None
    """What the function returned; None where it failed."""
    failure: str | None = None
    """Why there is no result, for people."""


Engine = Callable[[Callable[[Any], Any], Sequence[Any], int], Generator[Outcome[Any], None, None]]
"""`on_processes` or `on_ray`: function, jobs, number of workers; closing it ends the workers."""


def on_processes(
    function: Callable[[Job], Any], jobs: Sequence[Job], workers: int
) -> Generator[Outcome[Job], None, None]:
    """Run ``function`` on every job in spawned processes of one thread each.

    Args:
        function: importable, as are its jobs and results picklable.
        jobs: begun in this order.
        workers: processes at a time; they die with this one, however it ends.
    """
    waiting = deque((job, 1) for job in jobs)
    idle: list[_Worker] = []
    busy: dict[Any, tuple[_Worker, Job, int]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                worker = idle.pop() if idle else _Worker(function)
                job, attempt = waiting.popleft()
                busy[worker.pipe] = worker, job, attempt
                worker.give(job)
            for pipe in connection.wait(list(busy)):
                worker, job, attempt = busy.pop(pipe)
                answer = worker.take()
                if answer is not None:
                    idle.append(worker)
                    yield Outcome(job, *answer)
                    continue
                code = worker.end()
                if attempt < ATTEMPTS:
                    waiting.append((job, attempt + 1))
                else:
                    yield Outcome(job, failure=_died(code))
    finally:
        for worker in [*idle, *(entry[0] for entry in busy.values())]:
            worker.end()


class _Worker:
    """A process that answers jobs until its pipe closes."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        context = get_context("spawn")
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(function, there), daemon=True)
        with _environment(ONE_THREAD), _interrupts_held():
            self.process.start()
        there.close()  # ours: the worker's death must be the end of the pipe

    def give(self, job: Any) -> None:
        """Hand over a job; that the worker is dead shows in `take`."""
        with suppress(OSError):
            self.pipe.send(job)

    def take(self) -> tuple[Any, str | None] | None:
        """Result and failure; None if the worker is dead."""
        try:
            answer: tuple[Any, str | None] = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return answer

    def end(self) -> int | None:
        """Kill it if it lives; its exit code."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return self.process.exitcode


def _serve(function: Callable[[Any], Any], pipe: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(_answer(function, job))


def _end_with_parent() -> None:
    """A parent that was killed cannot tell its workers; they would finish jobs for nobody."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(function: Callable[[Any], Any], job: Any) -> tuple[Any, str | None]:
    try:
        return function(job), None
    except InputError as error:
        return None, str(error)
    except Exception:
        return None, traceback.format_exc()


def _died(code: int | None) -> str:
    how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
    return f"its worker ended {how}, {ATTEMPTS} times"


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment that processes inherit: libraries read it when they are loaded."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits; processes begun meanwhile are deaf to it from their first moment.

    They inherit what is blocked here. In this process another thread may take the signal, and
    Python would raise in the main one: so the handler waits too.
    """
    resource_tracker.ensure_running()  # begun later, it would unblock the signal
    blocked, handler = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}), None
    held: list[tuple[int, Any]] = []
    if threading.current_thread() is threading.main_thread():
        handler = signal.signal(signal.SIGINT, lambda *given: held.append(given))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if held and callable(handler):
            handler(*held[0])


def on_ray(
    function: Callable[[Job], Any], jobs: Sequence[Job], workers: int
) -> Generator[Outcome[Job], None, None]:
    """As `on_processes`, on the cluster that RAY_ADDRESS names, else on a Ray of this machine.

    Raises:
        InputError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise InputError("Ray is not installed: pip install 'qas-engine[scale]', or leave --ray")
    import ray

    started = not ray.is_initialized()
    if started:
        _start_ray(workers)
    task = ray.remote(max_retries=ATTEMPTS - 1, num_cpus=1, runtime_env={"env_vars": ONE_THREAD})(
        _answer
    )
    waiting, running = deque(jobs), dict[Any, Job]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.popleft()
                running[task.remote(function, job)] = job
            (done, *_), _ = ray.wait(list(running))
            yield _fetched(done, running.pop(done))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        if started:
            ray.shutdown()


def _start_ray(workers: int) -> None:
    import ray

    here: dict[str, Any] = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    before = signal.getsignal(signal.SIGTERM)
    ray.init(
        **({} if "RAY_ADDRESS" in os.environ else here), log_to_driver=False, logging_level="ERROR"
    )
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)  # Ray put its own there


def _fetched(reference: Any, job: Job) -> Outcome[Job]:
    import ray

    try:
        return Outcome(job, *ray.get(reference))
    except ray.exceptions.WorkerCrashedError:
        return Outcome(job, failure=f"its worker ended, {ATTEMPTS} times")
    except ray.exceptions.RayError as error:
        return Outcome(job, failure=str(error))
