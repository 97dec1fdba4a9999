"""From published rows to features: pooled pixels, and principal components of vowels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PIXEL = 255
MEAN = 0.1307
STD = 0.3081
"""Mean and standard deviation of MNIST's training pixels; QOC uses them for Fashion-MNIST too."""
CROP = 24
WINDOW = 6
INK = 16
"""The largest value in scikit-learn's digits."""
DIGIT_WINDOW = 2
COMPONENTS = 10
DECIMALS = 9
"""Vowel features are rounded here, so that no linear algebra library changes a content hash."""


def image_features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """16 features in about [-0.42, 2.82] of each 28 x 28 image, shape (rows, 16), in radians.

    QOC's preparation: pixels / 255, less the mean 0.1307, over 0.3081; the centre 24 x 24; the
    mean of each 6 x 6 window, row by row (arXiv:2202.13239 and torchquantum's `MNIST`). The
    affine map follows the mean here, which changes nothing and keeps the sums exact.
    """
    return (pooled(centre(images, CROP), WINDOW) / PIXEL - MEAN) / STD


def digit_features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """16 angles in [0, pi] of each 8 x 8 image of values 0 to 16, shape (rows, 16).

    The mean of each 2 x 2 window, no ink as 0 and full ink as pi: a rotation by such an angle
    takes |0> from one pole to the other, so that no two brightnesses look alike.
    """
    return pooled(images, DIGIT_WINDOW) * (np.pi / INK)


def centre(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The middle `size` x `size` pixels of every image."""
    top, left = ((length - size) // 2 for length in images.shape[1:])
    return images[:, top : top + size, left : left + size]


def pooled(images: NDArray[np.uint8], window: int) -> NDArray[np.float64]:
    """Means over the `window` x `window` tiles of every image, row by row: (rows, tiles).

    >>> pooled(np.array([[[0, 2, 4, 4], [2, 4, 4, 4]]], dtype=np.uint8), 2).tolist()
    [[2.0, 4.0]]
    """
    rows, height, width = images.shape
    tiles = images.reshape(rows, height // window, window, width // window, window)
    sums: NDArray[np.int64] = tiles.sum(axis=(2, 4), dtype=np.int64)
    return np.divide(sums, window**2).reshape(rows, -1)


def vowel_features(
    x: NDArray[np.float64], pca_rows: NDArray[np.int64], scaler_rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """10 features of every row of `x`, about [0, 1] on `scaler_rows`; shape as `x`, in radians.

    Principal components fitted on `pca_rows`; then median and 10-90% range, then least and
    largest value to 0 and 1, both fitted on `scaler_rows` (torchquantum's `Vowel`). Whatever
    stands in neither set of rows influences only itself.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, RobustScaler

    components = PCA(COMPONENTS).fit(x[pca_rows]).transform(x)
    scaler = make_pipeline(RobustScaler(quantile_range=(10, 90)), MinMaxScaler())
    scaled = scaler.fit(components[scaler_rows]).transform(components)
    return np.asarray(np.round(scaled, DECIMALS), dtype=np.float64)
