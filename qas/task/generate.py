"""Make the stored molecular tasks: `python -m qas.task.generate [FOLDER]` (extra `chem`).

Restricted Hartree-Fock and the integrals over an active space come from PySCF, the fermion
algebra and the qubit mappings from OpenFermion. Spin orbitals stand in blocks: qubit j < n/2 is
alpha orbital j, then the betas. Under the parity mapping qubit j holds the parity of modes 0..j
(Seeley, Richard, Love, J. Chem. Phys. 137, 224109 (2012)), so that the last qubit and the last
alpha qubit carry the conserved parities of all and of the alpha electrons; they are replaced by
these signs (tapering: Bravyi, Gambetta, Mezzacapo, Temme, arXiv:1701.08213). Spin 0 throughout.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from qas.errors import InputError
from qas.task.ground import ground_energy
from qas.task.load import DATA
from qas.task.observable import Observable

BASIS = "sto-3g"
DECIMALS = 12
"""Digits kept of every energy, so that another run or machine writes the same file."""


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


TABLE = (
    Molecule("h2", "H2 at 0.735 angstrom", "H 0 0 0; H 0 0 0.735", mapping="parity", tapered=2),
    Molecule("h2-3", "H2 at 0.7414 angstrom", "H 0 0 0; H 0 0 0.7414", mapping="parity", tapered=1),
    Molecule("h2-4", "H2 at 0.7414 angstrom", "H 0 0 0; H 0 0 0.7414"),
)


def hartree_fock(molecule: Molecule) -> Any:
    """The converged PySCF mean field of the molecule."""
    from pyscf import gto, scf

    atoms = gto.M(atom=molecule.geometry, unit=molecule.unit, basis=BASIS, verbose=0)
    field = scf.RHF(atoms)
    field.conv_tol = 1e-13
    field.kernel()
    if not field.converged:
        raise InputError(f"{molecule.task}: Hartree-Fock did not converge; check the geometry")
    return field


def fermion_operator(molecule: Molecule, field: Any) -> Any:
    """The active-space Hamiltonian as OpenFermion's FermionOperator, spins in blocks, hartree."""
    import openfermion
    from openfermion.chem.molecular_data import spinorb_from_spatial
    from pyscf import ao2mo, mcscf

    n_active = len(molecule.active)
    space = mcscf.CASCI(field, n_active, molecule.electrons)
    if space.ncore != len(molecule.frozen):
        raise InputError(
            f"{molecule.task}: {molecule.electrons} active electrons leave {space.ncore} orbitals "
            f"doubly occupied, but {len(molecule.frozen)} are frozen"
        )
    first = [*molecule.frozen, *molecule.active]
    rest = [k for k in range(field.mo_coeff.shape[1]) if k not in first]
    orbitals = field.mo_coeff[:, first + rest]
    one_body, constant = space.get_h1eff(orbitals)
    chemist = ao2mo.restore(1, space.get_h2eff(orbitals), n_active)
    # OpenFermion's h_pqrs multiplies p+ q+ r s, PySCF's (pq|rs) multiplies p+ r+ s q.
    one, two = spinorb_from_spatial(one_body, chemist.transpose(0, 2, 3, 1))
    interaction = openfermion.InteractionOperator(constant, one, 0.5 * two)
    return openfermion.reorder(
        openfermion.get_fermion_operator(interaction), openfermion.up_then_down
    )


def observable_of(molecule: Molecule, fermions: Any) -> Observable:
    """The fermion operator mapped to qubits and tapered."""
    import openfermion

    n_modes = 2 * len(molecule.active)
    if molecule.mapping == "jw":
        qubits = openfermion.jordan_wigner(fermions)
    else:
        qubits = openfermion.binary_code_transform(fermions, openfermion.parity_code(n_modes))
    terms = [
        _tapered(dict(factors), complex(coeff).real, molecule, n_modes)
        for factors, coeff in qubits.terms.items()
    ]
    merged = Observable.of([pauli for pauli, _ in terms], [coeff for _, coeff in terms])
    rounded = [round(coeff, DECIMALS) for coeff in merged.coeffs]
    return Observable.of(merged.paulis, rounded)


def _tapered(
    letters: dict[int, str], coeff: float, molecule: Molecule, n_modes: int
) -> tuple[str, float]:
    """One term as a Pauli string, the Z of each tapered qubit replaced by its sign."""
    for qubit, sign in molecule.signs.items():
        letter = letters.pop(qubit, "I")
        if letter in "XY":
            raise InputError(f"{molecule.task}: qubit {qubit} is no symmetry and cannot be tapered")
        coeff *= sign if letter == "Z" else 1
    kept = [q for q in reversed(range(n_modes)) if q not in molecule.signs]
    return "".join(letters.get(q, "I") for q in kept), coeff


def task_content(molecule: Molecule) -> dict[str, Any]:
    """What the task's file holds: the Hamiltonian, its energies in hartree, its provenance."""
    field = hartree_fock(molecule)
    observable = observable_of(molecule, fermion_operator(molecule, field))
    hf_energy = observable.basis_energy(molecule.hf_bitstring)
    if abs(hf_energy - field.e_tot) > 1e-9:
        raise InputError(f"{molecule.task}: {hf_energy} is not the HF energy {field.e_tot}")
    exact = ground_energy(observable)
    return {
        "name": molecule.task,
        "description": _description(molecule, observable.n_qubits),
        "n_qubits": observable.n_qubits,
        "paulis": observable.paulis,
        "coeffs": observable.coeffs,
        "ground_energy": None if exact is None else round(exact, DECIMALS),
        "hf_energy": round(hf_energy, DECIMALS),
        "hf_bitstring": molecule.hf_bitstring,
        "provenance": _provenance(molecule),
    }


def _description(molecule: Molecule, n_qubits: int) -> str:
    mapping = {"jw": "Jordan-Wigner mapping", "parity": "parity mapping"}[molecule.mapping]
    tapered = f", {molecule.tapered} tapered" if molecule.tapered else ""
    return f"{molecule.formula}, {BASIS}, {n_qubits} qubits ({mapping}{tapered})"


def _provenance(molecule: Molecule) -> dict[str, Any]:
    return {
        "geometry": molecule.geometry,
        "unit": molecule.unit,
        "basis": BASIS,
        "charge": 0,
        "multiplicity": 1,
        "frozen_orbitals": molecule.frozen,
        "active_orbitals": molecule.active,
        "active_electrons": molecule.electrons,
        "mapping": molecule.mapping,
        "spin_order": "blocked: alpha orbitals, then beta",
        "tapered_qubits": molecule.signs,
        "constant": "the identity term holds the nuclear repulsion and the frozen core's energy",
        "versions": {name: version(name) for name in ("pyscf", "openfermion")},
        "command": "python -m qas.task.generate",
    }


def write_tasks(folder: Path) -> tuple[Path, ...]:
    """Write every row of the table to `folder` as NAME.json; return the paths."""
    paths = []
    for molecule in TABLE:
        path = folder / f"{molecule.task}.json"
        path.write_text(json.dumps(task_content(molecule), indent=1) + "\n", encoding="utf-8")
        paths.append(path)
    return tuple(paths)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    for written in write_tasks(folder):
        sys.stdout.write(f"{written}\n")
