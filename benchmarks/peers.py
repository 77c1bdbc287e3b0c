"""MACE-OFF23-small's and AIMNet2's architectures on one thread: energy + forces of molecules.

    python peers.py MODEL [--repeats N] [--json] FILE...      MODEL: mace or aimnet2

Random weights, single precision, as the packages mace-torch and aimnet build them: MACE with 96 scalar channels, two interactions,
l up to 3, correlation 3, cutoff 4.5 angstrom (the published small model); AIMNet2 as aimnet2.yaml of the package has it, with
Coulomb over all pairs. Forces by autograd. Neighbour lists are made beforehand and not timed for MACE; AIMNet2's calculator makes them in
every call, as its users do.
"""

import argparse
import json
import pathlib
import time

import os

os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # e3nn 0.4.4 reads its own constants the old way

import ase.io
import numpy as np
import torch


def mace(atoms):
    """A function that computes energy and forces once."""
    from e3nn import o3
    from mace import data, modules
    from mace.tools import AtomicNumberTable, torch_geometric

    torch.set_default_dtype(torch.float32)
    numbers = [1, 6, 7, 8, 9, 15, 16, 17, 35, 53]
    model = modules.ScaleShiftMACE(
        r_max=4.5, num_bessel=8, num_polynomial_cutoff=5, max_ell=3,
        interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=modules.interaction_classes["RealAgnosticInteractionBlock"],
        num_interactions=2, num_elements=len(numbers), hidden_irreps=o3.Irreps("96x0e"), MLP_irreps=o3.Irreps("16x0e"),
        atomic_energies=np.zeros(len(numbers)), avg_num_neighbors=12.0, atomic_numbers=numbers, correlation=3,
        gate=torch.nn.functional.silu, atomic_inter_scale=1.0, atomic_inter_shift=0.0)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    table = AtomicNumberTable(numbers)
    config = data.config_from_atoms(atoms)
    batch = next(iter(torch_geometric.dataloader.DataLoader(
        [data.AtomicData.from_config(config, z_table=table, cutoff=4.5)], batch_size=1))).to_dict()
    return lambda: model(batch, compute_force=True)["forces"]


def aimnet2(atoms):
    """A function that computes energy and forces once."""
    import aimnet
    import yaml
    from aimnet.calculators import AIMNet2Calculator
    from aimnet.config import build_module

    text = (pathlib.Path(aimnet.__file__).parent / "models/aimnet2.yaml").read_text()
    calculator = AIMNet2Calculator(build_module(yaml.safe_load(text)), device="cpu")
    inputs = {
        "coord": torch.tensor(atoms.positions, dtype=torch.float32),
        "numbers": torch.tensor(atoms.numbers),
        "charge": torch.tensor([0.0]),
    }
    return lambda: calculator.eval(dict(inputs), forces=True)["forces"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=["mace", "aimnet2"])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    for name in args.files:
        atoms = ase.io.read(name)
        call = {"mace": mace, "aimnet2": aimnet2}[args.model](atoms)
        times = []
        for k in range(args.repeats + 3):
            start = time.perf_counter()
            call()
            if k > 2:
                times.append((time.perf_counter() - start) * 1e3)
        row = {"what": "energy+forces", "structure": pathlib.Path(name).stem, "atoms": len(atoms), "min_ms": min(times)}
        print(json.dumps(row) if args.json else f"{row['structure']}  {len(atoms)} atoms  {min(times):.2f} ms")


if __name__ == "__main__":
    main()
