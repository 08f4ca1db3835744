"""The documents of a text by one Python peer: child.py PEER FILE WARM_UP DOCUMENTS PASSES SECONDS OUT, as child.mjs does it."""

from __future__ import annotations

import json
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peers import PEERS


def timed(step: str, work: Callable[[], Any]) -> tuple[int, Any]:
    """Prints the wall time and the CPU time of all threads, in ns; returns the first, and what `work` returned."""
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    result = work()
    wall = time.perf_counter_ns() - wall
    print(json.dumps({"step": step, "wall": wall, "cpu": time.process_time_ns() - cpu}), flush=True)
    return wall, result


def main() -> None:
    peer, file, warm_up, documents, passes, seconds, out = sys.argv[1:]
    _, encode = timed("load", lambda: PEERS[peer](file))
    texts = json.loads(Path(documents).read_text(encoding="utf-8"))
    encode(Path(warm_up).read_bytes().decode())
    total, lists = timed("first", lambda: [encode(text) for text in texts])
    ids = array("I")
    for some in lists:
        ids.extend(some.tolist() if hasattr(some, "tolist") else some)
    Path(out).write_bytes(ids.tobytes())
    for _ in range(int(passes)):
        if total >= float(seconds) * 1e9:
            break
        total += timed("warm", lambda: [encode(text) for text in texts])[0]


try:
    main()
except BaseException as error:  # a panic of a Rust extension is no Exception
    message = f"{type(error).__name__}: {error}".split("\n")[0]
    print(json.dumps({"step": "failed", "message": message}), flush=True)
    sys.exit(1)
