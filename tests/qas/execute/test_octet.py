"""Octets against numpy: every permutation, every choice of lanes, arithmetic, and memory."""

import numpy as np
import pytest

from qas.compiled import compiled
from qas.execute.octet import LANES, aligned, chosen, filled, load, store, total, turned

LANE = np.arange(LANES)


@compiled
def permute(source, flip, out):
    store(out, np.uint64(3), turned(load(source, np.uint64(1)), flip))


@compiled
def choose(source, bits, value, out):
    octet = chosen(np.uint64(bits), np.uint64(value), 7.5, load(source, np.uint64(0)))
    store(out, np.uint64(0), octet)


@compiled
def combine(a, b, number, out):
    first, second = load(a, np.uint64(0)), load(b, np.uint64(0))
    store(out, np.uint64(0), first + number * second)
    store(out, np.uint64(LANES), first - second)
    store(out, np.uint64(2 * LANES), first * second)
    store(out, np.uint64(3 * LANES), filled(number))
    return total(first)


@pytest.fixture(scope="module")
def numbers():
    return np.random.default_rng(0).normal(size=(2, 16))


@pytest.mark.parametrize("flip", range(LANES))
def test_a_turned_octet_has_its_lanes_exchanged_and_nothing_else_is_touched(numbers, flip):
    out = np.zeros(16)
    permute(numbers[0], flip, out)
    np.testing.assert_array_equal(out[3:11], numbers[0, 1:9][LANE ^ flip])
    assert not out[:3].any()
    assert not out[11:].any()


def test_lanes_are_chosen_by_their_bits(numbers):
    for bits in range(LANES):
        for value in (*range(LANES), 16):
            out = np.zeros(LANES)
            choose(numbers[0], bits, value, out)
            wanted = np.where(LANE & bits == value, 7.5, numbers[0, :LANES])
            np.testing.assert_array_equal(out, wanted)


def test_arithmetic_is_lane_by_lane(numbers):
    (a, b), out = numbers[:, :LANES].copy(), np.zeros(4 * LANES)
    found = combine(a, b, 0.3, out)
    np.testing.assert_allclose(out, np.concatenate([a + 0.3 * b, a - b, a * b, [0.3] * LANES]))
    assert found == pytest.approx(a.sum(), abs=1e-14)


@pytest.mark.parametrize("shape", [(0,), (5,), (3, 16)])
def test_arrays_begin_on_a_cache_line(shape):
    arrays = [aligned(*shape) for _ in range(8)]
    assert all(own.shape == shape and own.ctypes.data % 64 == 0 for own in arrays if own.size)
