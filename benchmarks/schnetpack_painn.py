"""SchNetPack's PaiNN on one thread: energy + forces, and training steps.

    python schnetpack_painn.py [--repeats N] [--training FILE] [--json] FILE...

128 features, 3 interactions, 20 Gaussians, cosine cutoff at 5 angstrom, random weights, single precision, forces by
autograd. Neighbour lists are made beforehand and not timed, nor is the optimiser. For a fair measurement set the
environment as `compare.py` does: without it PyTorch loses much time to page faults on large systems.
"""

import argparse
import json
import pathlib
import resource
import time

import ase.io
import schnetpack as spk
import schnetpack.transform as trn
import torch

CUTOFF = 5.0


def build_model():
    """The model with a single energy output, of the published size."""
    torch.manual_seed(1)
    representation = spk.representation.PaiNN(
        n_atom_basis=128,
        n_interactions=3,
        radial_basis=spk.nn.GaussianRBF(n_rbf=20, cutoff=CUTOFF),
        cutoff_fn=spk.nn.CosineCutoff(CUTOFF),
    )
    return spk.model.NeuralNetworkPotential(
        representation,
        input_modules=[spk.atomistic.PairwiseDistances()],
        output_modules=[
            spk.atomistic.Atomwise(n_in=128, output_key="energy"),
            spk.atomistic.Forces(energy_key="energy", force_key="forces"),
        ],
    )


def inputs_of(structures):
    """Tensors of one batch, neighbour lists included."""
    converter = spk.interfaces.AtomsConverter(
        neighbor_list=trn.ASENeighborList(cutoff=CUTOFF), dtype=torch.float32
    )
    return converter(structures)


def call(model, inputs, training):
    """Energy and forces; in training, the weight gradient of a square loss on both."""
    inputs = {k: v.detach().clone() if k == spk.properties.R else v for k, v in inputs.items()}
    results = model(inputs)
    if training:
        model.zero_grad(set_to_none=True)
        (results["energy"].square().mean() + results["forces"].square().mean()).backward()


def measure(model, structures, repeats, training):
    """Fastest and median milliseconds of `repeats` calls after two to warm up."""
    inputs = inputs_of(structures)
    model.train(training)
    times = []
    for k in range(repeats + 2):
        start = time.perf_counter()
        call(model, inputs, training)
        if k > 1:
            times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    return times[0], times[len(times) // 2], len(inputs[spk.properties.idx_i])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--repeats", type=int, help="timed calls (default: by size)")
    parser.add_argument("--training", metavar="FILE", help="also time training on all structures of FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = build_model()

    def report(text, **fields):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        print(json.dumps({**fields, "peak_mb": peak}) if args.json else f"{text}  peak {peak:.0f} MB", flush=True)

    for path in args.files:
        atoms = ase.io.read(path, 0)
        repeats = args.repeats or max(3, min(50, 1500 // len(atoms)))
        low, median, edges = measure(model, [atoms], repeats, training=False)
        name = pathlib.Path(path).stem
        report(
            f"{name}: {len(atoms)} atoms {edges} edges  min {low:.3f} ms  median {median:.3f} ms",
            what="energy+forces", structure=name, atoms=len(atoms), edges=edges, min_ms=low, median_ms=median,
        )
    if args.training:
        structures = ase.io.read(args.training, ":")
        low, median, _ = measure(model, structures, args.repeats or 3, training=True)
        rate = len(structures) / low * 1e3
        report(
            f"training: {len(structures)} structures  min {low:.2f} ms  median {median:.2f} ms  {rate:.1f} structures/s",
            what="training", structures=len(structures), min_ms=low, median_ms=median, structures_per_s=rate,
        )


if __name__ == "__main__":
    main()
