"""One measurement of one Python peer, in a process of its own: what node/child.mjs is for the peers from npm.

    child.py throughput|short --peer NAME … the same flags and the same lines
    child.py first-token --peer NAME … [--memory]   loads the peer and encodes two words, nothing else
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True

from peers import PEERS

Call = Callable[[str], Any]


def show(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def timed(work: Callable[[], Any]) -> tuple[dict[str, int], Any]:
    """Wall time and CPU time of this process, all its threads, in ns, and what `work` returned."""
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    result = work()
    return {"wall": time.perf_counter_ns() - wall, "cpu": time.process_time_ns() - cpu}, result


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")  # as it is: line ends too


def size(result: Any) -> int:
    return result if isinstance(result, int) else len(result)


def write_ids(path: Path | None, results: list[Any]) -> None:
    if path is not None:
        ids = array("I")
        for result in results:
            ids.extend(result.tolist() if hasattr(result, "tolist") else result)
        path.write_bytes(ids.tobytes())


def throughput(args: argparse.Namespace, call: Call) -> None:
    text = read(args.text)
    call(read(args.warm_up))
    first, result = timed(lambda: call(text))
    show(step="first", **first, count=size(result))
    if args.api == "encode":
        write_ids(args.ids, [result])
    del result
    total = first["wall"]  # whoever is slow gets no further pass, rather than being stopped in the middle of it
    for _ in range(args.passes):
        if total > args.seconds * 1e9:
            break
        spent, result = timed(lambda: call(text))
        show(step="warm", **spent, count=size(result))
        del result
        total += spent["wall"]


def short(args: argparse.Namespace, call: Call) -> None:
    strings = json.loads(read(args.strings))

    def passes(enough: float) -> int:
        """Whole passes, until `enough` ns are over; how many they were."""
        start, count = time.perf_counter_ns(), 0
        while time.perf_counter_ns() - start < enough:
            for string in strings:
                call(string)
            count += 1
        return count

    results = [call(string) for string in strings]
    if args.api == "encode":
        write_ids(args.ids, results)
    passes(args.seconds * 1e9)
    for _ in range(args.passes):
        spent, count = timed(lambda: passes(args.seconds * 1e9))
        show(step="short", wall=spent["wall"] / count, cpu=spent["cpu"] / count)
    show(step="total", count=sum(size(result) for result in results))


def first_token(args: argparse.Namespace, call: Call) -> None:
    ids = call("Hello world")
    if len(ids) != 2:
        raise SystemExit(f"'Hello world' became {len(ids)} ids")
    if args.memory:
        status = Path("/proc/self/status").read_text()
        rss, peak = (int(status.split(f"{name}:")[1].split()[0]) * 1024 for name in ["VmRSS", "VmHWM"])
        show(rss=rss, peak=peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["throughput", "short", "first-token"])
    parser.add_argument("--peer", required=True, choices=PEERS)
    parser.add_argument("--encoding", required=True)
    parser.add_argument("--ranks", required=True, type=Path)
    parser.add_argument("--tokenizer-json", required=True, type=Path)
    parser.add_argument("--api", choices=["encode", "count"], default="encode")
    for name in ["--warm-up", "--text", "--strings", "--ids"]:
        parser.add_argument(name, type=Path)
    parser.add_argument("--passes", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--memory", action="store_true")
    args = parser.parse_args()

    spent, (encode, count) = timed(lambda: PEERS[args.peer](args.encoding, args.ranks, args.tokenizer_json))
    if args.what == "first-token":
        return first_token(args, encode)
    show(step="load", **spent)
    call = encode if args.api == "encode" else count or (lambda text: len(encode(text)))
    {"throughput": throughput, "short": short}[args.what](args, call)


try:
    main()
except BaseException as error:  # a panic of a Rust extension is no Exception
    if isinstance(error, SystemExit) and not error.code:
        raise
    show(step="failed", message=f"{type(error).__name__}: {error}"[:200])
    sys.exit(1)
