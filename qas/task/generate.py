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
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task.ground import ground_energy
from qas.task.load import DATA
from qas.task.molecule import TABLE, Molecule
from qas.task.observable import Observable

BASIS = "sto-3g"
DECIMALS = 12
"""Digits kept of every energy, so that another run or machine writes the same file."""
TIE = 1e-6
"""Orbital coefficients closer than this in magnitude are equal by symmetry."""


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


def signed(orbitals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The orbitals (columns), each with the sign that makes its largest coefficient positive.

    Where symmetry makes several the largest, the first of them counts: there PySCF's own rule,
    otherwise the same, leaves the choice to rounding.

    >>> signed(np.array([[-0.6, 0.1], [0.6, -0.2]])).tolist()
    [[0.6, -0.1], [-0.6, 0.2]]
    """
    sizes = np.abs(orbitals)
    first = np.argmax(sizes > sizes.max(axis=0) - TIE, axis=0)
    signs: NDArray[np.float64] = np.sign(orbitals[first, np.arange(orbitals.shape[1])])
    return orbitals * signs


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
    orbitals = signed(field.mo_coeff)[:, first + rest]
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
    space = f", {molecule.electrons} electrons in {len(molecule.active)} orbitals"
    basis = BASIS + (space if molecule.frozen else "")
    return f"{molecule.formula}, {basis}, {n_qubits} qubits ({mapping}{tapered})"


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
