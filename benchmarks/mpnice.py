"""Oxidane's MPNICE against XPaiNN, AIMNet2 and MACE-OFF23-small, paired: A B C D A B C D ... in one run, one thread each.

    cargo bench -p oxidane-models --bench speed --no-run
    python benchmarks/mpnice.py [--python PEER_PYTHON] [--rounds N]

PEER_PYTHON is an interpreter with mace-torch and aimnet. Of each the fastest call of all rounds counts; the spread of the ratio over
the rounds is printed beside. See peers.py for what is timed of the others; Oxidane's time includes the neighbour work of atoms that moved.
"""

import argparse
import sys

from compare import PEER_ENVIRONMENT, ROOT, bench_program, results

FILES = [ROOT / "examples/aspirin.xyz", ROOT / "benchmarks/structures/quinine48.xyz"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter with mace-torch and aimnet (default: this one)")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    bench = [bench_program(), "--bench", "--json", "--rate", "1", "--sections", "energy"]
    commands = {
        "MPNICE": ([*bench, "--architecture", "mpnice", *FILES], None),
        "XPaiNN": ([*bench, "--architecture", "xpainn", *FILES], None),
        "AIMNet2": ([args.python, ROOT / "benchmarks/peers.py", "aimnet2", "--json", *FILES], PEER_ENVIRONMENT),
        "MACE": ([args.python, ROOT / "benchmarks/peers.py", "mace", "--json", *FILES], PEER_ENVIRONMENT),
    }
    rounds = [{name: results(*command) for name, command in commands.items()} for _ in range(args.rounds)]
    for key in rounds[0]["MPNICE"]:
        ours = [r["MPNICE"][key]["min_ms"] for r in rounds]
        print(f"{' '.join(key)}: MPNICE {min(ours):.2f} ms")
        for name in list(commands)[1:]:
            theirs = [r[name][key]["min_ms"] for r in rounds]
            ratios = sorted(b / a for a, b in zip(ours, theirs))
            print(f"  {name:8} {min(theirs):8.2f} ms   {min(theirs) / min(ours):6.1f} times MPNICE's"
                  f" ({ratios[0]:.1f} to {ratios[-1]:.1f} over {args.rounds} rounds)")


if __name__ == "__main__":
    main()
