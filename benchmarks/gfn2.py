"""GFN2-xTB of Oxidane against tblite, paired: A B A B ... in one run, one thread each: energy and gradient from scratch, and a
warm-started step of dynamics (Oxidane alone).

    pip install tblite numpy
    python benchmarks/gfn2.py [--rounds N] [FILE.xyz...]

Of each time the fastest of all rounds counts. tblite runs at its default accuracy, whose thresholds for self-consistency (1e-6
hartree, 2e-5 e) are looser than Oxidane's (5e-8 e).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STRUCTURES = ROOT / "benchmarks/structures"
BOHR = 0.529177210903  # angstrom
WATERS = (100, 167)  # clusters of so many molecules
PATIENCE = 2.0  # seconds of repetitions a structure and round, at least two


def read(path):
    """Symbols and positions of an xyz file."""
    lines = path.read_text().splitlines()
    rows = [line.split() for line in lines[2:2 + int(lines[0])]]
    return [r[0] for r in rows], [[float(x) for x in r[1:4]] for r in rows]


def cluster(molecules, folder):
    """The first molecules of the water box, as an xyz file of a molecule; those across its border left out."""
    symbols, positions = read(STRUCTURES / "water216.xyz")
    near = lambda i: all(sum((a - b) ** 2 for a, b in zip(positions[i], positions[i + k])) < 2 for k in (1, 2))
    whole = [i for i in range(0, len(symbols), 3) if near(i)][:molecules]
    lines = [f"{symbols[k]} {' '.join(map(str, positions[k]))}" for i in whole for k in (i, i + 1, i + 2)]
    path = pathlib.Path(folder) / f"water{len(lines)}.xyz"
    path.write_text("\n".join([str(len(lines)), "", *lines]) + "\n")
    return path


def bench_program():
    """The benchmark's executable, as cargo names it."""
    command = ["cargo", "bench", "-q", "-p", "oxidane-xtb", "--bench", "speed", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    artifacts = (json.loads(line) for line in lines)
    return next(a["executable"] for a in artifacts if a.get("executable") and a["target"]["name"] == "speed")


def ours(program, path):
    run = subprocess.run([program, str(path)], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def peer(path):
    """The fastest call of tblite in milliseconds."""
    import numpy as np
    from tblite.interface import Calculator, symbols_to_numbers

    symbols, positions = read(path)
    numbers, positions = symbols_to_numbers(symbols), np.array(positions) / BOHR
    times = []
    while len(times) < 2 or sum(times) < PATIENCE:
        start = time.perf_counter()
        calculator = Calculator("GFN2-xTB", numbers, positions)
        calculator.set("verbosity", 0)
        result = calculator.singlepoint()
        result.get("gradient")
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    if args.peer:
        return print(json.dumps([peer(f) for f in args.files]))
    with tempfile.TemporaryDirectory() as folder:
        files = args.files or [
            ROOT / "examples/aspirin.xyz", STRUCTURES / "quinine48.xyz", STRUCTURES / "ala9_102.xyz",
            STRUCTURES / "ala19_202.xyz", *(cluster(n, folder) for n in WATERS)]
        program = bench_program()
        print("| structure | atoms | Oxidane | tblite | ratio | warm step | warm / cold | iterations |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|")
        for path in files:
            rows, theirs = [], []
            for _ in range(args.rounds):
                rows.append(ours(program, path))
                command = [sys.executable, __file__, "--peer", str(path)]
                environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
                run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                theirs.append(json.loads(run.stdout)[0])
            cold, warm = min(r["cold_ms"] for r in rows), min(r["warm_ms"] for r in rows)
            ratios = sorted(t / r["cold_ms"] for t, r in zip(theirs, rows))
            print(
                f"| {path.stem} | {rows[0]['atoms']} | {cold:.2f} ms | {min(theirs):.1f} ms | {min(theirs) / cold:.1f} "
                f"({ratios[0]:.1f} to {ratios[-1]:.1f}) | {warm:.2f} ms | {warm / cold:.2f} | "
                f"{rows[0]['iterations']}, warm {rows[0]['warm_iterations']} |", flush=True)


if __name__ == "__main__":
    main()
