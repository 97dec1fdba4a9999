"""The published data sets that tasks are cut from: their arrays, files and checksums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One published array, in the authors' order of rows."""

    shape: tuple[int, ...]
    """Its shape, rows first."""
    dtype: str
    """'uint8' for pixels and labels, 'float64' for real features."""
    sha256: str
    """SHA-256 (hex) of its values in C order, little endian: the same for every file format."""


@dataclass(frozen=True)
class Layout:
    """Files that together hold every part."""

    files: Mapping[str, str]
    """{part: file name}; the name's end tells the format: .npz, -ubyte (IDX) or .data."""
    folders: tuple[str, ...]
    """Where they may lie below the data folder, tried in this order."""


@dataclass(frozen=True)
class Family:
    """A published data set."""

    title: str
    """What people call it."""
    class_names: tuple[str, ...]
    """What its labels mean."""
    parts: Mapping[str, Part]
    """Its arrays: x and y, or x_train, y_train, x_test and y_test where the authors split it."""
    layouts: tuple[Layout, ...] = ()
    """Ways in which its files are laid out; none where the data are built in."""
    openml: int | None = None
    """Its number at OpenML."""


def _images(x_train: str, y_train: str, x_test: str, y_test: str) -> dict[str, Part]:
    return {
        "x_train": Part((60000, 28, 28), "uint8", x_train),
        "y_train": Part((60000,), "uint8", y_train),
        "x_test": Part((10000, 28, 28), "uint8", x_test),
        "y_test": Part((10000,), "uint8", y_test),
    }


def _archives(train: str, test: str, *folders: str) -> Layout:
    files = {"x_train": train, "y_train": train, "x_test": test, "y_test": test}
    return Layout(files, (*folders, ""))


def _idx(*folders: str) -> Layout:
    """The original names, which MNIST and Fashion-MNIST share: folders of their own come first."""
    files = {
        "x_train": "train-images-idx3-ubyte",
        "y_train": "train-labels-idx1-ubyte",
        "x_test": "t10k-images-idx3-ubyte",
        "y_test": "t10k-labels-idx1-ubyte",
    }
    return Layout(files, (*folders, ""))


DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
)
VOWEL_NAMES = ("hid", "hId", "hEd", "hAd", "hYd", "had", "hOd", "hod", "hUd", "hud", "hed")
"""UCI's order of the classes; letters stand for the vowel, in the spelling of its authors."""

MNIST = Family(
    "MNIST",
    DIGIT_NAMES,
    _images(
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
    (
        _archives("mnist_full.npz", "mnist_full.npz", "mnist"),
        _archives("mnist.npz", "mnist.npz", "mnist"),
        _idx("mnist", "MNIST/raw"),
    ),
    openml=554,
)
"""LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist; mnist.npz is the name in Keras."""

FASHION = Family(
    "Fashion-MNIST",
    FASHION_NAMES,
    _images(
        "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    ),
    (
        _archives("fashion_train.npz", "fashion_test.npz", "fashion"),
        _idx("fashion", "FashionMNIST/raw"),
    ),
    openml=40996,
)
"""Xiao, Rasul and Vollgraf, arXiv:1708.07747."""

VOWEL = Family(
    "the vowels of Deterding",
    VOWEL_NAMES,
    {
        "x": Part(
            (990, 10),
            "float64",
            "d41ad9ece430e25567c80e4075cb4871d0989d2104de78abc4697c2d131a9d90",
        ),
        "y": Part(
            (990,), "uint8", "fbed42f1b62d97cbc83554a2429d27efee10c53923dd130293d3c1cae968944f"
        ),
    },
    (
        Layout({"x": "vowel.npz", "y": "vowel.npz"}, ("vowel", "")),
        Layout({"x": "vowel-context.data", "y": "vowel-context.data"}, ("vowel", "vowel/raw", "")),
    ),
    openml=307,
)
"""UCI, Connectionist Bench (Vowel Recognition), doi 10.24432/C58P4S: 10 log area ratios each."""

DIGITS = Family(
    "scikit-learn's digits",
    DIGIT_NAMES,
    {
        "x": Part(
            (1797, 8, 8),
            "uint8",
            "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3",
        ),
        "y": Part(
            (1797,), "uint8", "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"
        ),
    },
)
"""UCI, Optical Recognition of Handwritten Digits (test part), doi 10.24432/C50P49: 0 to 16."""

FAMILIES = {"mnist": MNIST, "fashion": FASHION, "vowel": VOWEL, "digits": DIGITS}
