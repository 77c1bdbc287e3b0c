"""Time of a whole run of the program, from start to exit: the first energy of a small molecule.

    python benchmarks/startup.py [--program target/release/oxidane] [--runs N] [ARGUMENT...]

ARGUMENTs replace `sp examples/aspirin.xyz`, for instance to name a model with --model.
"""

import argparse
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=ROOT / "target/release/oxidane")
    parser.add_argument("--runs", type=int, default=20)
    options, arguments = parser.parse_known_args()
    command = [options.program, *(arguments or ["sp", ROOT / "examples/aspirin.xyz"])]
    times = []
    for _ in range(options.runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    print(f"start to exit: min {times[0]:.1f} ms, median {times[len(times) // 2]:.1f} ms of {options.runs} runs")


if __name__ == "__main__":
    main()
