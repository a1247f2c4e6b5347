"""A command run by a small process of its own, which says what it took: `python -m benchmarks.alone WORDS...`.

Linux counts the memory of the process that starts a command as the command's, and the benchmarks themselves grow large.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Prints the command's JSON, its wall time in seconds and its peak memory in bytes, as one document."""
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = process.stdout.read() if process.stdout else b""
    _, _, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - started
    print(json.dumps({"said": json.loads(said), "seconds": took, "memory": usage.ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
