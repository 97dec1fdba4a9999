"""The molecules among the built-in tasks: geometry, active space and qubit mapping of each."""

from __future__ import annotations

from dataclasses import dataclass

from qas.errors import InputError


@dataclass(frozen=True)
class Molecule:
    """One row of the table: a closed-shell molecule, its active space and its qubit mapping."""

    task: str
    """Name of the task, and of its file."""
    formula: str
    """For people, such as 'H2 at 0.735 angstrom'."""
    geometry: str
    """Atoms as PySCF reads them: 'H 0 0 0; H 0 0 0.735'."""
    frozen: tuple[int, ...] = ()
    """Molecular orbitals kept doubly occupied."""
    active: tuple[int, ...] = (0, 1)
    """Molecular orbitals that become qubits."""
    electrons: int = 2
    """Electrons in the active orbitals."""
    unit: str = "angstrom"
    """Unit of the geometry: 'angstrom' or 'bohr'."""
    mapping: str = "jw"
    """'jw' or 'parity'."""
    tapered: int = 0
    """Parity qubits removed: 0; 1, the total; 2, the total and the alpha parity."""

    def __post_init__(self) -> None:
        if self.mapping not in ("jw", "parity") or self.tapered not in (0, 1, 2):
            raise InputError(f"{self.task}: the mapping is jw or parity, 0 to 2 qubits tapered")
        if self.tapered and self.mapping != "parity":
            raise InputError(f"{self.task}: only the parity mapping has qubits to taper")

    @property
    def signs(self) -> dict[int, int]:
        """{tapered qubit: eigenvalue of its Z} in the sector of the Hartree-Fock state."""
        last, last_alpha = 2 * len(self.active) - 1, len(self.active) - 1
        sector = {last: (-1) ** self.electrons, last_alpha: (-1) ** (self.electrons // 2)}
        return dict(list(sector.items())[: self.tapered])

    @property
    def hf_bitstring(self) -> str:
        """The Hartree-Fock state after mapping and tapering; the rightmost bit is qubit 0."""
        half = len(self.active)
        block = [1] * (self.electrons // 2) + [0] * (half - self.electrons // 2)
        bits = block + block
        if self.mapping == "parity":
            bits = [sum(bits[: j + 1]) % 2 for j in range(2 * half)]
        return "".join(str(bits[j]) for j in reversed(range(2 * half)) if j not in self.signs)


LIH = tuple(
    Molecule(
        f"lih-{n_qubits}-{length}",
        f"LiH at {length} angstrom",
        f"Li 0 0 0; H 0 0 {length}",
        frozen=(0,),
        active=(1, 2, 5),
        mapping=mapping,
        tapered=tapered,
    )
    for n_qubits, mapping, tapered in ((4, "parity", 2), (6, "jw", 0))
    for length in (1.2, 2.2, 3.4)
)
"""Lithium's 1s is frozen and the two pi orbitals, 3 and 4, are left out."""

BEH2 = "H 0 0 -1.33; Be 0 0 0; H 0 0 1.33"
H2O = "H -0.021 -0.002 0; O 0.835 0.452 0; H 1.477 -0.273 0"
AS_PUBLISHED = "(angstrom numbers read as bohr, as in the published files)"
"""Files that go with papers on architecture search hold these molecules squeezed by 0.529: the
geometry was meant in angstrom. Energies can be compared with those papers only on the same ones."""

TABLE = (
    Molecule("h2", "H2 at 0.735 angstrom", "H 0 0 0; H 0 0 0.735", mapping="parity", tapered=2),
    Molecule("h2-3", "H2 at 0.7414 angstrom", "H 0 0 0; H 0 0 0.7414", mapping="parity", tapered=1),
    Molecule("h2-4", "H2 at 0.7414 angstrom", "H 0 0 0; H 0 0 0.7414"),
    *LIH,
    Molecule(
        "beh2-6",
        "BeH2 at 1.33 angstrom",
        BEH2,
        frozen=(0,),
        active=(1, 2, 5, 6),
        electrons=4,
        mapping="parity",
        tapered=2,
    ),
    Molecule(
        "beh2-6-published",
        f"BeH2 at 1.33 bohr {AS_PUBLISHED}",
        BEH2,
        frozen=(0,),
        active=(1, 2, 3),
        electrons=4,
        unit="bohr",
    ),
    Molecule(
        "h2o-8",
        "H2O at 0.97 angstrom",
        H2O,
        frozen=(0, 1, 2),
        active=(3, 4, 5, 6),
        electrons=4,
    ),
    Molecule(
        "h2o-8-published",
        f"H2O at 0.97 bohr {AS_PUBLISHED}",
        H2O,
        frozen=(0, 1, 2),
        active=(3, 4, 5, 6),
        electrons=4,
        unit="bohr",
    ),
)
"""Every stored task, in the order in which they are made."""
