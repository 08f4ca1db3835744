#!/usr/bin/env python3
"""Python tiktoken as a peer of `verify_ids`: encodes the texts that come in on stdin. See crates/bpe/examples/verify_ids/peer.rs.

    python scripts/verify-peer.py RANKS ENCODING        RANKS is the folder of the .tiktoken files
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from pathlib import Path
from typing import BinaryIO

sys.dont_write_bytecode = True  # no __pycache__ in scripts/

from golden.reference import load_encodings

FAILED = 0xFFFFFFFF


def numbers(stream: BinaryIO, count: int) -> array[int]:
    found = array("I", stream.read(4 * count))
    if sys.byteorder == "big":
        found.byteswap()
    return found


def written(found: array[int]) -> bytes:
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def main() -> None:
    ranks, name = sys.argv[1:]
    encoding = load_encodings(Path(ranks), [name])[name]
    # A text that tiktoken cannot encode makes it panic, and a panic prints a page.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while head := stdin.read(4):
        (count,) = struct.unpack("<I", head)
        lengths = numbers(stdin, count)
        counts, ids = array("I"), array("I")
        for length in lengths:
            text = stdin.read(length).decode()
            try:
                found = encoding.encode_ordinary(text)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException:  # pyo3's PanicException is no Exception
                counts.append(FAILED)
                continue
            counts.append(len(found))
            ids.extend(found)
        stdout.write(written(counts))
        stdout.write(written(ids))
        stdout.flush()


if __name__ == "__main__":
    main()
