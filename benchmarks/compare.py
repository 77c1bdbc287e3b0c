"""Oxidane's XPaiNN against SchNetPack's PaiNN, paired: A B A B ... in one run, one thread each.

    cargo bench -p oxidane-models --bench speed --no-run
    python benchmarks/compare.py [--python PEER_PYTHON] [--rounds N] [--sections energy,training]

PEER_PYTHON is an interpreter with schnetpack. Of each quantity the fastest call of all rounds counts, on both sides;
the spread of the ratio over the rounds is printed beside. Oxidane's time includes the neighbour work of atoms that
moved; the peer's does not.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = [ROOT / f for f in (
    "examples/aspirin.xyz", "benchmarks/structures/ala9_102.xyz", "benchmarks/structures/water216.xyz")]
TRAINING = ROOT / "benchmarks/structures/train32.xyz"
# One thread, and memory that the allocator keeps in huge pages, without which PyTorch loses a factor of two to four
# on large systems to page faults.
PEER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}


def bench_program():
    """The benchmark's executable, as cargo names it."""
    command = ["cargo", "bench", "-q", "-p", "oxidane-models", "--bench", "speed", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    artifacts = (json.loads(line) for line in lines)
    return next(a["executable"] for a in artifacts if a.get("executable") and a["target"]["name"] == "speed")


def results(command, environment=None):
    """Results of one process by (what, structure)."""
    run = subprocess.run(
        [str(c) for c in command], env={**os.environ, **(environment or {})}, check=True, stdout=subprocess.PIPE,
        text=True)
    rows = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {(r["what"], r.get("structure", "")): r for r in rows if r["what"] in ("energy+forces", "training")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter with schnetpack (default: this one)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sections", default="energy,training", help="of energy,training")
    args = parser.parse_args()
    ours = [bench_program(), "--bench", "--json", "--rate", "1", "--sections", args.sections, *FILES]
    peer = [args.python, ROOT / "benchmarks/schnetpack_painn.py", "--json"]
    peer += FILES if "energy" in args.sections else []
    peer += ["--training", TRAINING] if "training" in args.sections else []
    rounds = [(results(ours), results(peer, PEER_ENVIRONMENT)) for _ in range(args.rounds)]
    print(f"{'':30} {'Oxidane':>10} {'PaiNN':>10}   ratio (range over {args.rounds} rounds)")
    for key in rounds[0][0]:
        pairs = [(a[key]["min_ms"], b[key]["min_ms"]) for a, b in rounds]
        mine, theirs = min(p[0] for p in pairs), min(p[1] for p in pairs)
        ratios = sorted(b / a for a, b in pairs)
        print(f"{' '.join(key):30} {mine:7.2f} ms {theirs:7.2f} ms  {theirs / mine:6.2f}"
              f" ({ratios[0]:.2f} to {ratios[-1]:.2f})", end="")
        count = rounds[0][0][key].get("structures")
        print(f"  {count / mine * 1e3:.1f} and {count / theirs * 1e3:.1f} structures/s" if count else "")


if __name__ == "__main__":
    main()
