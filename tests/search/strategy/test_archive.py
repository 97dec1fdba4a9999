"""The archive: cells, edits of genomes, and what the search promises beyond its conformance."""

import numpy as np
import pytest

from qas import load_device, load_task
from qas.problem import Problem, Space
from search.strategy.archive import Archive
from search.strategy.cells import Cells, Member
from search.strategy.genome import (
    Genome,
    copied,
    deleted,
    exchanged,
    inserted,
    moved,
    replaced,
)

PROBLEM = Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4))
MANILA = Problem.of(load_task("h2-4"), load_device("FakeManilaV2"))
EDITS = (copied, deleted, exchanged, inserted, moved, replaced)


def genome_of(space, length, rng):
    word = space.random_word(length, rng)
    return Genome.of(space, word, rng.normal(size=space.circuit(word).n_params))


@pytest.mark.parametrize("name", ["blocks", "gates"])
@pytest.mark.parametrize("edit", EDITS)
def test_edits_keep_the_angles_of_letters_that_stay(edit, name):
    space, rng = Space.of(PROBLEM, name), np.random.default_rng(0)
    lengths = set()
    for length in (0, 1, 2, 6):
        for _ in range(20):
            parent = genome_of(space, length, rng)
            child = edit(space, parent, rng)
            assert child.size == space.circuit(child.word).n_params
            assert child.first == parent.first
            mine = {angle for own in parent.turns for angle in own} | {0.0}
            assert {angle for own in child.turns for angle in own} <= mine
            lengths.add(len(child.word) - len(parent.word))
    allowed = {
        copied: {0, 1, 2, 3}, deleted: {0, -1}, inserted: {1}, replaced: {0, 1},
        moved: {0}, exchanged: {0},
    }  # fmt: skip
    assert lengths <= allowed[edit]


def test_cells_keep_the_best_of_each_number_of_two_qubit_gates_once():
    space, rng = Space.of(PROBLEM), np.random.default_rng(1)
    cells, everything = Cells(space, 3), []
    for _ in range(200):
        member = Member(round(float(rng.normal()), 2), genome_of(space, int(rng.integers(4)), rng))
        everything.append(member)
        firsts = {k: own[0].energy for k, own in cells.rows.items()}
        pairs = space.n_pairs(member.genome.word)
        assert cells.keep(member) == (member.energy < firsts.get(pairs, np.inf) - 1e-11)
    for pairs, cell in cells.rows.items():
        lowest = {}
        for own in everything:
            if space.n_pairs(own.genome.word) == pairs:
                key = space.key(own.genome.word)
                lowest[key] = min(own.energy, lowest.get(key, np.inf))
        assert [own.energy for own in cell] == sorted(lowest.values())[:3]
    again = Cells(space, 3)
    again.load_rows(cells.to_rows())
    assert again.rows == cells.rows


def test_the_front_leaves_out_cells_that_fewer_gates_equal():
    space = Space.of(PROBLEM)
    cells = Cells(space, 3)
    for energy, word in ((1.0, ()), (1.0, (0,)), (0.5, (0, 1)), (0.7, (0, 1, 2))):
        cells.keep(Member(energy, Genome.of(space, word)))
    assert cells.front == (0, 2)


def test_parents_come_from_every_cell_up_to_a_few_behind_the_front():
    space, rng = Space.of(PROBLEM), np.random.default_rng(4)
    cells = Cells(space, 3)
    for length, energy in enumerate((1.0, 1.0, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6)):
        cells.keep(Member(energy, genome_of(space, length, rng)))
    assert cells.front == (0, 2)
    drawn = [space.n_pairs(cells.parent(rng).genome.word) for _ in range(600)]
    counts = np.bincount(drawn)
    assert len(counts) == 6
    assert counts.min() > 0
    odds = 1 / (1 + np.arange(6))
    assert counts / 600 == pytest.approx(odds / odds.sum(), abs=0.07)
    few = [space.n_pairs(cells.parent(rng, 1).genome.word) for _ in range(100)]
    assert max(few) == 4


def test_the_front_is_of_the_members_that_there_are_now():
    cells = Archive(PROBLEM, 0).cells
    filled(cells, [(0, 1e-2), (4, 1e-3)])
    assert cells.front == (0, 4)
    filled(cells, [(2, 1e-4)])
    assert cells.front == (0, 2)
    cells.load_rows([])
    assert cells.front == ()


def test_parents_are_the_same_after_an_archive_is_loaded():
    cells, again = Archive(PROBLEM, 0).cells, Archive(PROBLEM, 0).cells
    filled(cells, [(0, 1e-2), (3, 1e-4), (1, 5e-3), (2, 1e-3)])
    again.load_rows(cells.to_rows())
    drawn = [[own.parent(np.random.default_rng(k)) for k in range(20)] for own in (cells, again)]
    assert [own.energy for own in drawn[0]] == [own.energy for own in drawn[1]]
    assert len({own.energy for own in drawn[0]}) > 2


@pytest.mark.parametrize(
    ("rows", "longest"),
    [
        ([(0, 1e-2), (4, 2e-9)], np.inf),
        ([(0, 1e-2), (4, 5e-10), (6, 1e-13)], 4),
        ([(0, 1e-2), (4, 2e-12), (6, 1e-13)], 3),
    ],
)
def test_no_longer_words_than_one_that_is_solved_are_tried(rows, longest):
    archive = Archive(PROBLEM, 0)
    filled(archive.cells, rows)
    assert archive._longest() == longest


@pytest.mark.parametrize(
    ("above", "wanted"), [(0.2, 2e-5), (1e-3, 1e-7), (1e-6, 1e-10), (1e-12, 1e-10)]
)
def test_training_is_looser_while_all_errors_are_large(above, wanted):
    archive = Archive(PROBLEM, 0)
    filled(archive.cells, [(0, above + 0.3), (2, above)])
    scale = max(abs(archive.ground + above), 1.0)
    assert archive._tolerance() * scale == pytest.approx(wanted, rel=1e-3)


def test_without_a_ground_energy_training_is_never_loose():
    archive = Archive(PROBLEM, 0)
    archive.ground = -np.inf
    assert archive._tolerance() == 1e-10
    archive.cells.keep(Member(-4.0, Genome.of(archive.space, ())))
    assert archive._tolerance() == 1e-10 / 4


def filled(cells, rows):
    """An archive's cells with random words of so many letters, so far above the ground energy."""
    rng, ground = np.random.default_rng(6), PROBLEM.task.ground_energy
    members = [Member(ground + error, genome_of(cells.space, n, rng)) for n, error in rows]
    for member in members:
        cells.keep(member)
    return members


def without_a_letter(member):
    word = member.genome.word
    return [(*word[:at], *word[at + 1 :]) for at in range(len(word))]


def note(archive, members, before):
    archive.shorter.note(members, archive.cells, before, PROBLEM.task.ground_energy)


def test_of_a_much_better_word_each_letter_is_left_out():
    archive, ground = Archive(PROBLEM, 0), PROBLEM.task.ground_energy
    members = filled(archive.cells, [(0, 1e-2), (4, 9e-3), (5, 8.9e-3)])
    note(archive, members, {0: ground + 1e-2, 4: ground + 1e-2, 5: ground + 2e-2})
    assert [own.word for own in archive.shorter.waiting] == without_a_letter(members[2])


def test_so_it_is_of_all_that_are_as_good_where_a_length_is_worth_its_gates():
    archive, ground = Archive(PROBLEM, 0), PROBLEM.task.ground_energy
    rows = [(0, 1e-2), (4, 1e-3), (4, 1.01e-3), (4, 1.1e-3), (5, 9.9e-4)]
    members = filled(archive.cells, rows)
    note(archive, members, {0: ground + 1e-2, 4: ground + 1e-3, 5: ground + 9.9e-4})
    assert [own.word for own in archive.shorter.waiting] == [
        word for member in members[1:3] for word in without_a_letter(member)
    ]


def test_words_that_wait_are_kept_and_tried_once():
    archive = Archive(PROBLEM, 0)
    note(archive, filled(archive.cells, [(0, 1e-2), (4, 1e-3)]), {})
    again = Archive(PROBLEM, 1)
    again.load_state_dict(archive.state_dict())
    assert again.shorter == archive.shorter
    children = archive._shortened(np.inf)
    assert archive.shorter.waiting == []
    key, is_legal = archive.space.key, archive.space.is_legal
    assert [key(child.word) for child, _ in children] == list(
        dict.fromkeys(
            key(own.word) for own in reversed(again.shorter.waiting) if is_legal(own.word)
        )
    )


def test_h2_is_solved_with_three_cx_and_then_not_made_longer():
    archive, meter = Archive(PROBLEM, 0), PROBLEM.meter(300_000)
    found = {}
    while not meter.exhausted:
        for trial in archive.step(PROBLEM, meter):
            pairs = trial.two_qubit_gates
            found[pairs] = min(trial.energy, found.get(pairs, np.inf))
    ground = PROBLEM.task.ground_energy
    assert found[3] - ground < 1e-9
    assert found[2] - ground > 1e-3
    words = [own.genome.word for cell in archive.cells.rows.values() for own in cell]
    assert all(archive.space.faced(word) == word for word in words)


def test_on_a_device_it_beats_hartree_fock_and_its_trials_are_what_they_say():
    archive, meter = Archive(MANILA, 3), MANILA.meter(300_000)
    trials = []
    while not meter.exhausted:
        trials += archive.step(MANILA, meter)
    best = min(trials, key=lambda trial: trial.rank)
    assert best.energy - MANILA.task.ground_energy < 12e-3
    for trial in trials[-5:]:
        layout = trial.candidate.layout
        energy = MANILA.value(trial.native, layout, trial.angles, MANILA.meter(None))[0]
        assert trial.energy == pytest.approx(float(energy), abs=1e-10)


def test_the_late_start_is_hartree_fock_with_x_last():
    archive = Archive(PROBLEM, 0)
    rng = np.random.default_rng(2)
    circuit = PROBLEM.task.hf_circuit()
    wanted = PROBLEM.value(circuit, PROBLEM.layouts[0], [], PROBLEM.meter(None))[0]
    for length in (0, 3, 8):
        late = archive.landing.late(genome_of(archive.space, length, rng))
        made = archive.space.circuit(late.word)
        energy = PROBLEM.value(made, PROBLEM.layouts[0], late.angles, PROBLEM.meter(None))[0]
        assert energy == pytest.approx(wanted, abs=1e-10)
