"""GFN2-xTB results of tblite for the structures of xyz files, one JSON object a line, as tests/data/molecules.jsonl of
crates/oxidane-xtb has them and `cargo run --release -p oxidane-xtb --example compare` reads them.

    pip install tblite ase
    python benchmarks/gfn2_reference.py FILE.xyz... > reference.jsonl

Charge and unpaired electrons are read from `charge=` and `unpaired=` of the comment line. Positions are in angstrom, the
rest in atomic units; crystals have `cell` (angstrom) and `virial` (hartree, dE/dstrain).
"""

import json
import sys

import ase.io
import numpy as np
from tblite.interface import Calculator

BOHR = 0.529177210903  # angstrom, CODATA 2018


def result(atoms, name):
    """The row of one structure."""
    charge, unpaired = int(atoms.info.get("charge", 0)), int(atoms.info.get("unpaired", 0))
    lattice = {"lattice": atoms.cell.array / BOHR, "periodic": np.array([True] * 3)} if atoms.pbc.all() else {}
    calculator = Calculator(
        "GFN2-xTB", atoms.numbers, atoms.positions / BOHR, charge=float(charge), uhf=unpaired, **lattice)
    calculator.set("accuracy", 0.01)
    calculator.set("verbosity", 0)
    r = calculator.singlepoint()
    row = {
        "name": name, "numbers": atoms.numbers.tolist(), "positions": atoms.positions.tolist(), "charge": charge,
        "unpaired": unpaired, "energy": float(r.get("energy")), "gradient": r.get("gradient").tolist(),
        "charges": r.get("charges").tolist()}
    if lattice:
        row |= {"cell": atoms.cell.array.tolist(), "virial": r.get("virial").tolist()}
    else:
        row["dipole"] = r.get("dipole").tolist()
    return row


def main():
    for path in sys.argv[1:] or sys.exit(__doc__):
        for index, atoms in enumerate(ase.io.read(path, index=":")):
            print(json.dumps(result(atoms, f"{path}:{index + 1}")))


if __name__ == "__main__":
    main()
