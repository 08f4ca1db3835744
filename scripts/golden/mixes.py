"""Texts by property of their characters, and random mixes: what no one thought of."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tiktoken import Encoding

from .edges import joined
from .prose import CODE, PROSE
from .unicode import CATEGORIES, EVERY, having, later_letters_and_numbers, sample, scripts

FRAMES = ["{}", "x{}y", " {}", "{0}{0}", "'{}", "1{}", "A{}b", "{}\n", ".{}", "  {}z", "{}S", "{}'s", "中{}", "\n{}\n"]


def byte_characters(rng: Random) -> Iterator[str]:
    for code in range(256):
        yield chr(code)
        for frame in rng.sample(FRAMES, 4):
            yield frame.format(chr(code))


def categories(rng: Random) -> Iterator[str]:
    for category in CATEGORIES:
        characters = sample(rng, having(rf"\p{{{category}}}"), 80)
        frames = FRAMES if len(characters) < 15 else rng.sample(FRAMES[1:], 1) if len(characters) > 40 else rng.sample(FRAMES[1:], 3)
        for character in characters:
            for frame in frames:
                yield frame.format(character)
        for frame in FRAMES * 4:  # several of the category together
            yield frame.format("".join(rng.choice(characters) for _ in range(rng.randint(2, 4))))


def all_scripts(rng: Random) -> Iterator[str]:
    between = ["", "", "", " ", "-", "1", "\u0301", "'", "\n", "A", "z"]
    for characters in scripts().values():
        for length in [1, 2, 2, 3, 3, 4, 5, 6, 8]:
            word = "".join(rng.choice(characters) + rng.choice(between) for _ in range(length))
            yield rng.choice(["", " ", "x", "("]) + word


def odd_planes(rng: Random) -> Iterator[str]:
    """Unassigned and private code points, noncharacters, the ends of planes, letters newer than tiktoken's Unicode."""
    codes = [plane * 0x10000 + low for plane in range(17) for low in (0, 1, 0xFFFD, 0xFFFE, 0xFFFF)]
    codes += list(range(0xFDD0, 0xFDF0))
    unusual = [chr(code) for code in codes]
    unusual += sample(rng, having(r"\p{Co}"), 60) + sample(rng, having(r"\p{Cn}"), 80)
    unusual += sample(rng, later_letters_and_numbers(), 160)
    for character in unusual:
        for frame in rng.sample(FRAMES, 2):
            yield frame.format(character)


def real_text(rng: Random) -> Iterator[str]:
    """Prose of many languages and code: each whole, and pieces that start and end anywhere."""
    for text in PROSE + CODE:
        yield text
        for _ in range(9):
            start = rng.randrange(len(text))
            yield text[start : start + rng.randint(2, 40)]
        yield text.upper()[:60]
        yield text.title()[:60]
    for _ in range(200):
        yield rng.choice(PROSE)[: rng.randint(1, 30)] + rng.choice(["\n", "\r\n\r\n", "  ", "\t", ""]) + rng.choice(CODE)[: rng.randint(1, 40)]


def cut_tokens(_rng: Random, encodings: dict[str, Encoding]) -> Iterator[str]:
    """The few tokens that an encoding does not give for their own text, because its pattern cuts them."""
    for name in ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"]:
        for token, id in sorted(encodings[name]._mergeable_ranks.items()):
            text = token.decode(errors="ignore")
            if text.encode() == token and encodings[name].encode_ordinary(text) != [id]:
                for frame in FRAMES:
                    yield frame.format(text)


def token_chains(rng: Random, encodings: dict[str, Encoding]) -> Iterator[str]:
    """Tokens one after the other: pieces that merge far and otherwise than they were put together."""
    for name in ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"]:
        tokens = sorted(encodings[name]._mergeable_ranks)
        made = 0
        while made < 550:
            chain = b"".join(rng.choice(tokens) for _ in range(rng.randint(1, 4)))
            try:
                text = chain.decode()
            except UnicodeDecodeError:
                continue
            made += 1
            yield text
        words = [token for token in tokens if token.isalpha()]
        for _ in range(150):
            yield b"".join(rng.choice(words) for _ in range(rng.randint(2, 6))).decode()


def tiny_alphabets(rng: Random) -> Iterator[str]:
    for alphabet in ["ab", "aA", "abc", "lo", "tion", "01", "=-", "abcdefghijklmnopqrstuvwxyz", "ABCDEFabcdef0123456789", "ěščř", "его", "的是", "あい", "ーア"]:
        for _ in range(45):
            yield joined(rng, list(alphabet), 2, 24)


def long_lines(rng: Random) -> Iterator[str]:
    """Mostly ASCII and long, so that every edge stands at every place of the blocks that a scanner may read at once."""
    words = ["the", "mill's", "DON'T", "x", "HTTPServer", "1850", "7", "don't", "we'LL", "x's'LLa", "it'll'tis", "iPhone", "a", "I", "end.", "C++", "//", "/*", "--", "=", '"', "(", ");", "_id", "é", "naïve", "中文", "…", "—", "😀"]
    between = [" ", " ", " ", " ", "", "", "  ", "    ", "\n", "\n\n", "\r\n", "\t", " \n ", "/", "'", "\u00a0"]
    for _ in range(220):
        some, gaps = rng.sample(words, rng.randint(2, 16)), rng.sample(between, rng.randint(1, 9))
        yield "".join(rng.choice(some) + rng.choice(gaps) for _ in range(rng.randint(20, 90)))


def weighted(rng: Random) -> Iterator[str]:
    """Characters of all kinds in one text, the kinds with the weights of awkward text."""
    kinds: list[tuple[float, str]] = [
        (5, having(r"[a-z]")), (3, having(r"[A-Z]")), (3, "sdmtlver"), (4, " "), (2, "\n"), (1, "\r"), (1, "\t"), (2, "'"), (2, "0123456789"),
        (2, having(r"[!-/:-@\[-`{-~]")), (1, "/"), (1, having(r"\s")), (1, having(r"\p{Lu}")), (1, having(r"\p{Ll}")), (0.6, having(r"\p{Lt}")),
        (1, having(r"\p{Lm}")), (1, having(r"\p{Lo}")), (1.2, having(r"\p{M}")), (1, having(r"\p{N}")), (1, having(r"\p{S}")),
        (1, having(r"\p{P}")), (0.5, having(r"\p{C}")), (0.5, "\u017f\u212a\ufeff\u200d\ufe0f\u00a0\u0085"), (0.3, EVERY), (0.6, "中文字あア한ก"),
    ]
    weights = [weight for weight, _ in kinds]
    for _ in range(4200):
        few = rng.sample(range(len(kinds)), rng.randint(3, len(kinds)))
        drawn = rng.choices(few, [weights[i] for i in few], k=rng.randint(2, 14))
        yield "".join(rng.choice(kinds[i][1]) for i in drawn)
