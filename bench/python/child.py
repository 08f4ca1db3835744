"""One measurement of one Python peer, in a process of its own: what node/child.mjs is for the peers from npm.

    child.py throughput|decode|batch|short --peer NAME … the same flags and the same lines
    child.py first-token --peer NAME … --memory yes|no   loads the peer and encodes two words, nothing else
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

from peers import PEERS, Peer

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


def call_of(args: argparse.Namespace, peer: Peer) -> Call:
    return peer.encode if args.api == "encode" else peer.count or (lambda text: len(peer.encode(text)))


def size(result: Any) -> int:
    return result if isinstance(result, int) else len(result)


def write_ids(path: Path | None, results: list[Any]) -> None:
    if path is not None:
        ids = array("I")
        for result in results:
            ids.extend(result.tolist() if hasattr(result, "tolist") else result)
        path.write_bytes(ids.tobytes())


def measured(args: argparse.Namespace, work: Callable[[], Any], count: Callable[[Any], int], keep: Callable[[Any], None]) -> None:
    """The first pass, whose result `keep` gets, and while there is time the same again."""
    first, result = timed(work)
    show(step="first", **first, count=count(result))
    keep(result)
    total = first["wall"]  # whoever is slow gets no further pass, rather than being stopped in the middle of it
    for _ in range(args.passes):
        del result  # its memory may be used again
        if total > args.seconds * 1e9:
            break
        spent, result = timed(work)
        show(step="warm", **spent, count=count(result))
        total += spent["wall"]


def throughput(args: argparse.Namespace, peer: Peer) -> None:
    text, call = read(args.text), call_of(args, peer)
    call(read(args.warm_up))
    measured(args, lambda: call(text), size, lambda result: write_ids(args.ids if args.api == "encode" else None, [result]))


def decode(args: argparse.Namespace, peer: Peer) -> None:
    if peer.decode is None:
        raise NotImplementedError("it does not decode")
    import numpy

    ids = numpy.fromfile(args.__dict__["from"], numpy.uint32)
    few = ids[: args.warm_up_ids]
    if peer.takes_list:
        ids, few = ids.tolist(), few.tolist()
    try:
        peer.decode(few)
    except Exception:  # they may end inside a character
        pass
    measured(args, lambda: peer.decode(ids), len, lambda result: args.decoded.write_bytes(result if isinstance(result, bytes) else result.encode()))


def flat(result: Any) -> Any:
    """The ids of a batch one after the other."""
    import numpy

    if isinstance(result, tuple):  # ids and where each text ends
        return numpy.frombuffer(result[0], numpy.uint32)
    if isinstance(result, list):
        return numpy.concatenate([numpy.array(getattr(row, "ids", row), numpy.uint32) for row in result])
    import awkward

    return awkward.to_numpy(awkward.flatten(result))


def batch(args: argparse.Namespace, peer: Peer) -> None:
    if peer.batch is None:
        raise NotImplementedError("it has no batches")
    documents, warm_up = json.loads(read(args.documents)), read(args.warm_up)
    # Several, so that no thread starts in what is measured.
    peer.batch([warm_up] * 20, args.threads)
    show(step="ready")  # two processes begin together
    sys.stdin.readline()
    measured(args, lambda: peer.batch(documents, args.threads), lambda _: 0, lambda result: write_ids(args.ids, [flat(result)]))


def short(args: argparse.Namespace, peer: Peer) -> None:
    strings, call = json.loads(read(args.strings)), call_of(args, peer)

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


def first_token(args: argparse.Namespace, peer: Peer) -> None:
    ids = peer.encode("Hello world")
    if len(ids) != 2:
        raise SystemExit(f"'Hello world' became {len(ids)} ids")
    if args.memory == "yes":
        status = Path("/proc/self/status").read_text()
        rss, peak = (int(status.split(f"{name}:")[1].split()[0]) * 1024 for name in ["VmRSS", "VmHWM"])
        show(rss=rss, peak=peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["throughput", "decode", "batch", "short", "first-token"])
    parser.add_argument("--peer", required=True, choices=PEERS)
    parser.add_argument("--encoding", required=True)
    parser.add_argument("--ranks", required=True, type=Path)
    parser.add_argument("--tokenizer-json", required=True, type=Path)
    parser.add_argument("--api", choices=["encode", "count"], default="encode")
    for name in ["--warm-up", "--text", "--strings", "--ids", "--from", "--decoded", "--documents"]:
        parser.add_argument(name, type=Path)
    parser.add_argument("--passes", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--warm-up-ids", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", choices=["yes", "no"], default="no")
    args = parser.parse_args()

    spent, peer = timed(lambda: PEERS[args.peer](args.encoding, args.ranks, args.tokenizer_json))
    if args.what == "first-token":
        return first_token(args, peer)
    show(step="load", **spent)
    {"throughput": throughput, "decode": decode, "batch": batch, "short": short}[args.what](args, peer)


try:
    main()
except BaseException as error:  # a panic of a Rust extension is no Exception
    if isinstance(error, SystemExit) and not error.code:
        raise
    show(step="failed", message=f"{type(error).__name__}: {error}"[:200])
    sys.exit(1)
