from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qas.task.dataset.prepare import (
    DECIMALS,
    centre,
    digit_features,
    image_features,
    pooled,
    vowel_features,
)

IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(28), st.just(28)))


def slow_image_features(images: Any) -> list[list[float]]:
    """QOC's steps one by one: scale, normalise, crop, then the mean of each window."""
    features = []
    for image in images:
        pixels = [[(value / 255 - 0.1307) / 0.3081 for value in row[2:26]] for row in image[2:26]]
        features.append(
            [
                sum(pixels[r][c] for r in range(top, top + 6) for c in range(left, left + 6)) / 36
                for top in range(0, 24, 6)
                for left in range(0, 24, 6)
            ]
        )
    return features


@given(images=IMAGES)
def test_image_features_are_the_slow_twins(images: Any) -> None:
    features = image_features(images)
    assert features.shape == (len(images), 16)
    np.testing.assert_allclose(features, slow_image_features(images.tolist()), atol=1e-13)


@given(
    images=hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(8), st.just(8))),
    window=st.sampled_from([1, 2, 4, 8]),
)
def test_pooling_is_the_mean_and_keeps_it(images: Any, window: int) -> None:
    tiles = pooled(images, window)
    side = 8 // window
    slow = [
        image[r * window : (r + 1) * window, c * window : (c + 1) * window].mean()
        for image in images
        for r in range(side)
        for c in range(side)
    ]
    np.testing.assert_allclose(tiles.ravel(), slow, atol=1e-12)
    np.testing.assert_allclose(tiles.mean(axis=1), images.mean(axis=(1, 2)), atol=1e-12)


@given(images=IMAGES)
def test_the_frame_outside_the_centre_does_not_matter(images: Any) -> None:
    framed = np.full_like(images, 255)
    framed[:, 2:26, 2:26] = centre(images, 24)
    assert np.array_equal(image_features(framed), image_features(images))


def test_each_window_is_one_feature_row_by_row() -> None:
    for feature in range(16):
        image = np.zeros((1, 8, 8), dtype=np.uint8)
        row, column = divmod(feature, 4)
        image[0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 16
        expected = np.zeros(16)
        expected[feature] = np.pi
        np.testing.assert_allclose(digit_features(image)[0], expected, atol=1e-15)


def vowels(seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(80, 10)) @ rng.normal(size=(10, 10))


FIT, REST = np.arange(40), np.arange(40, 80)


def test_vowel_features_are_the_principal_components() -> None:
    """Up to sign and an affine map, each feature is a projection on an eigenvector."""
    x = vowels()
    features = vowel_features(x, FIT, FIT)
    _, vectors = np.linalg.eigh(np.cov(x[FIT].T))
    projected = (x - x[FIT].mean(axis=0)) @ vectors[:, ::-1]
    for feature, component in zip(features.T, projected.T, strict=True):
        assert abs(np.corrcoef(feature, component)[0, 1]) == pytest.approx(1.0, abs=1e-9)


def test_fitted_rows_span_zero_to_one() -> None:
    fitted = vowel_features(vowels(), FIT, FIT)[FIT]
    np.testing.assert_allclose(fitted.min(axis=0), 0.0, atol=10.0**-DECIMALS)
    np.testing.assert_allclose(fitted.max(axis=0), 1.0, atol=10.0**-DECIMALS)


@given(row=st.sampled_from(REST.tolist()), size=st.floats(20.0, 1e3))
def test_rows_outside_the_fit_influence_only_themselves(row: int, size: float) -> None:
    x = vowels()
    before = vowel_features(x, FIT, FIT)
    x[row] += size
    after = vowel_features(x, FIT, FIT)
    others = np.arange(len(x)) != row
    assert np.array_equal(after[others], before[others])
    assert not np.allclose(after[row], before[row])


@given(row=st.sampled_from(REST.tolist()), size=st.floats(20.0, 1e3))
def test_scalers_fitted_on_all_rows_leak_them_into_training(row: int, size: float) -> None:
    x = vowels()
    everything = np.arange(len(x))
    before = vowel_features(x, FIT, everything)
    x[row] += size
    after = vowel_features(x, FIT, everything)
    assert not np.allclose(after[FIT], before[FIT], atol=1e-3)
