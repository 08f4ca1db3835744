"""Code points by property, as tiktoken's own regex engine sees them (its Unicode version decides the ids)."""

from __future__ import annotations

import random
from functools import cache

import regex
from regex import _regex_core

from .reference import matched

CATEGORIES = (
    "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()
)  # all but Cs: a lone surrogate is no text, see surrogates.jsonl

# Every class of characters that a pattern names, and the folds of its case-insensitive letters.
CLASSES = {name: rf"\p{{{name}}}" for name in CATEGORIES} | {
    "L": r"\p{L}", "M": r"\p{M}", "N": r"\p{N}", "space": r"\s",
} | {f"(?i:{letter})": rf"(?i:{letter})" for letter in "sdmtlver"}

EVERY = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)


@cache
def having(pattern: str) -> str:
    """Every code point that `pattern` (of one character) matches, in order."""
    return matched(pattern, EVERY)


WHITE_SPACE = list(having(r"\s"))
assert len(WHITE_SPACE) == 25

# Look like white space, or are so for some other engine, but are not `\s`.
NOT_WHITE_SPACE = ["\ufeff", "\u180e", "\u200b", "\u2060", "\u00ad", "\u2800", "\u3164"]


@cache
def later_letters_and_numbers() -> str:
    """Letters, marks and numbers that are newer than tiktoken's Unicode: for it they are unassigned."""
    return "".join(regex.findall(r"[\p{L}\p{M}\p{N}]", having(r"\p{Cn}")))


@cache
def scripts() -> dict[str, str]:
    """The characters of every script of Unicode 16, by the script's name."""
    _, values = _regex_core.PROPERTIES["SCRIPT"]
    longest: dict[int, str] = {}
    for name, value in values.items():
        if len(name) > len(longest.get(value, "")):
            longest[value] = name
    found: dict[str, str] = {}
    for name in sorted(longest.values()):
        try:
            characters = having(rf"\p{{Script={name}}}")
        except ValueError:  # a script that tiktoken's engine does not know yet, or Unknown
            continue
        if characters:
            found[name.lower()] = characters
    return found


def ranges(characters: str) -> list[list[int]]:
    """`characters`, in order, as inclusive ranges of code points."""
    found: list[list[int]] = []
    for code in map(ord, characters):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def sample(rng: random.Random, characters: str, count: int) -> list[str]:
    """All of `characters`, or `count` of them: the first, the last, and others in order."""
    if len(characters) <= count:
        return list(characters)
    inner = rng.sample(range(1, len(characters) - 1), count - 2)
    return [characters[i] for i in [0, *sorted(inner), len(characters) - 1]]
