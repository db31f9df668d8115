"""How long the engine takes to start a container whose network is disabled, beside one on the network called none.

Both have a namespace with nothing but a loopback. Prints the median of each and the median of the ratios of pairs.

    python benchmarks/container_start.py [--pairs 20] [--image takehome:dev]
"""

import argparse
import time
from statistics import median

from docker import APIClient

from grader.venue import default_image
from harness.duel.paired import paired


def main() -> None:
    """Start containers in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--image", default=default_image())
    options = parser.parse_args()
    api = APIClient(version="auto")
    took: dict[bool, list[float]] = {False: [], True: []}
    for pair in range(options.pairs):
        for disabled in (False, True) if pair % 2 == 0 else (True, False):
            took[disabled].append(_start_sec(api, options.image, disabled))
    disabled_sec, none_sec = paired(took[True], took[False])
    print(f"none {1000 * none_sec:.0f} ms, disabled {1000 * median(took[True]):.0f} ms")
    print(f"disabled over none: {disabled_sec / none_sec:.2f}, the median of {options.pairs} pairs")


def _start_sec(api: APIClient, image: str, disabled: bool) -> float:
    host = api.create_host_config(network_mode="none", cap_drop=["ALL"], read_only=True, init=True)
    made = api.create_container(image, ["sleep", "60"], host_config=host, network_disabled=disabled)
    try:
        began = time.perf_counter()
        api.start(made)
        return time.perf_counter() - began
    finally:
        api.remove_container(made, force=True)


if __name__ == "__main__":
    main()
