"""Texts at the edges of each alternative of the patterns. Each maker yields texts; order and content depend on `rng` only."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from .unicode import NOT_WHITE_SPACE, WHITE_SPACE, having, sample

LONG_S = "\u017f"  # folds to `s`, so `(?i:'s)` matches it
APOSTROPHES = ["'", "\u2019", "\u2018", "\u02bc", "\uff07", "`", "\u00b4", "\u2032", "\u05f3"]
MARKS = ["\u0301", "\u0308", "\u0e34", "\u093e", "\u20dd", "\u20e3", "\ufe0f", "\U000e0100"]


def joined(rng: Random, alphabet: list[str], shortest: int, longest: int) -> str:
    """A string of `shortest` to `longest` draws from `alphabet`."""
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(shortest, longest)))


def cases(word: str) -> list[str]:
    """`word` in every mix of cases, the long s counting as a case of s."""
    return ["".join(p) for p in itertools.product(*([c, c.upper(), *([LONG_S] if c == "s" else [])] for c in word))]


def contractions(rng: Random) -> Iterator[str]:
    endings = [ending for word in ["s", "d", "m", "t", "ll", "ve", "re"] for ending in cases(word)]
    before = ["", "x", "X", "7", " ", "!", "\n", "中", "ǅ", "e\u0301", "'", "it", "WE", " you", "\u02b0"]
    after = ["", "a", "A", "1", " ", "'", "\n", LONG_S, "中", "\u0301", ".", "'s", "x'T", "'LLa", "'tis"]
    for ending in endings:
        yield f"'{ending}"
        every = ending.islower()  # r50k has these only; and the long s, of which few texts show that it is one
        for head, tail in itertools.product(before, after):
            if every or rng.random() < 0.3:
                yield f"{head}'{ending}{tail}"
    for apostrophe, ending in itertools.product(APOSTROPHES, endings):
        yield f"{rng.choice(before)}{apostrophe}{ending}{rng.choice(after)}"
    # Near misses: a half, a doubled apostrophe, letters that fold to others than these, dotless and dotted i.
    for miss in ["'", "''", "''s", "'l", "'v", "'r", "'lv", "'el", "'\u212a", "'\u212b", "'ı", "'İ", "'ß", "'ẞ", "'ﬆ", "'1", "' s", "'\u0301s", "'s\u0301"]:
        for head in ["", "a", "A", " ", "1", "é"]:
            yield head + miss
            yield head + miss + "b"
    letters = ["'", "'", "s", "S", LONG_S, "l", "L", "v", "e", "r", "t", "d", "m", "a", "B", " ", "1"]
    for _ in range(700):
        yield joined(rng, letters, 2, 8)


def white_space(rng: Random) -> Iterator[str]:
    spaces = WHITE_SPACE + NOT_WHITE_SPACE
    frames = [
        "{}", "a{}b", "{}a", "a{}", "{0}{0}a", "a{0}{0}", "{}\n", "\n{}", "{0}\n{0}a", "{}1", "1{}2", "{}!", "!{}", " {}a", "{} a",
        "{} 1", ".{}\n", "{}\r\n{}", "a{0}\n{0}\n{0}b", "A{}'s", "/{}x", "中{}文", "{}\u0301", "x {0} {0}  y",
    ]
    for space, frame in itertools.product(spaces, frames):
        yield frame.format(space, space)
    for first, second in itertools.product(spaces, spaces):
        yield first + second + rng.choice(["", "a", "1", "!", "\n", "\n\n b", " c", "A"])
    everyday = [" ", " ", "\t", "\r", "\n", "\r\n", "\u00a0", "\u0085", "\u3000", "\u2028", "\u2029", "\ufeff", "\x1c", "\x0b", "\x0c"]
    around = ["a", "B", "1", ".", "/", "'s", "é", "中", "😀"]
    for _ in range(1300):
        yield joined(rng, everyday + rng.sample(around, 2), 2, 10)


def runs_of_space(rng: Random) -> Iterator[str]:
    tails = ["", "a", "Z", "1", "!", "\n", "\r\n", "\n x", "\t", "'s", "é", "/", "\u0301", "\u3000b"]
    for length in range(1, 71):
        for tail in rng.sample(tails, 6):
            yield rng.choice(["", "", "a", "1", ".", "\n"]) + " " * length + tail
    for space in ["\t", "\n", "\r\n", "\r", "\u00a0", "\u3000", " \n", "\n ", "\t ", "\u2028", "\u0085"]:
        for length in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 31, 32, 33]:
            for tail in rng.sample(tails, 2):
                yield rng.choice(["", "b", ";"]) + space * length + tail


def cased_words(rng: Random) -> Iterator[str]:
    """o200k's two letter alternatives: where an upper run may give back letters, and what a mark, Lm or Lo does there."""
    for text in ["ABCdef", "ABC", "ABCd", "aBC", "ABc", "aBcD", "HTTPServer", "iPhone", "McDonald", "XMLHttpRequest", "ǅungla", "ǅUNGLA", "AǅB", "ΑΣ", "Σας", "İstanbul", "ıI"]:
        for frame in ["{}", " {}", ".{}", "{}'s", "{}'S.", "{}1", "{}\n", "'{}", "\t{}", "\u00a0{}", "{0}{0}", "{}中", "中{}", "{}\u0301x", "{}\u02b0", "\u0301{}"]:
            yield frame.format(text)
    classes = {
        "upper": ["A", "B", "É", "Ω", "Ж", "𝐀", "Ａ"],
        "lower": ["a", "b", "é", "ω", "ж", "𝐚", "ｂ"],
        "title": ["ǅ", "ᾈ", "ǲ"],
        "modifier": ["ʰ", "ー", "ˈ", "ᵃ"],
        "other": ["中", "あ", "ا", "א", "ก", "ª", "한"],
        "mark": MARKS,
        "prefix": [" ", ".", "$", "\t", "\u00a0", "'", "_", "😀", "-"],
        "ending": ["'s", "'LL", "'t", "'"],
        "break": ["\n", "1", "\r"],
    }
    weights = {"upper": 5, "lower": 5, "title": 1, "modifier": 2, "other": 2, "mark": 2, "prefix": 2, "ending": 1, "break": 0.5}
    names = list(weights)
    for _ in range(2600):
        drawn = rng.choices(names, [weights[name] for name in names], k=rng.randint(2, 9))
        yield "".join(rng.choice(classes[name]) for name in drawn)
    # Every sequence of three classes of letter, after each kind of prefix.
    for triple in itertools.product(["upper", "lower", "title", "modifier", "other", "mark"], repeat=3):
        for head in rng.sample(["", " ", ".", "1", "\n", "'"], 2):
            yield head + "".join(rng.choice(classes[name]) for name in triple)


def marks(rng: Random) -> Iterator[str]:
    for mark in MARKS + sample(rng, having(r"\p{M}"), 60):
        for frame in rng.sample(["{}", "{0}{0}", " {}", ".{}", "1{}", "a{}", "A{}", "A{}b", "a{}B", "\n{}", "{}a", "{}1", "'{}s", "!{}!", "\u200d{}", "{}\n", " {}'s", "/{}/", "{} x"], 8):
            yield frame.format(mark)


def digits(rng: Random) -> Iterator[str]:
    zeros = [c for c in having(r"\p{Nd}") if chr(ord(c) + 9) in having(r"\p{Nd}") and chr(ord(c) - 1) not in having(r"\p{Nd}")]
    for zero in zeros:
        for length in [1, 2, 3, 4, rng.randint(5, 10)]:
            number = "".join(chr(ord(zero) + rng.randrange(10)) for _ in range(length))
            yield rng.choice(["", " ", "a", ".", "\n", "  "]) + number + rng.choice(["", "x", ",", " ", "\n", "'s"])
    for length in range(1, 41):
        yield "1234567890" * 4 if length == 40 else ("9876543210" * 4)[:length]
        yield f"a{'7' * length}b"
        yield f"  {'0' * length}  "
    for number in sample(rng, having(r"\p{Nl}"), 60) + sample(rng, having(r"\p{No}"), 90):
        for frame in rng.sample(["{}", "1{}2", " {}", "a{}b", "{0}{0}{0}{0}", "{}\n", "x {}!"], 2):
            yield frame.format(number)
    alphabet = ["0", "1", "23", "٣", "५", "Ⅷ", "½", "²", "一", ",", ".", " ", "-", "e", "%", "\u0301", "𝟘"]
    for _ in range(400):
        yield joined(rng, alphabet, 2, 9)


def punctuation(rng: Random) -> Iterator[str]:
    signs = ["/", "//", "\n", "\r", "\r\n", ".", "!", "-", " ", "  ", "a", "'", "1", "{", ");", "\t", "…", "—", "«", "$", "😀", "\u200d", "\ufeff", "\u0301", "_", "#"]
    for _ in range(1300):
        yield joined(rng, rng.sample(signs, rng.randint(2, 7)) + ["/", "\n"], 2, 9)
    for sign in sample(rng, having(r"[\p{P}\p{S}]"), 300):
        yield rng.choice(["{}", " {}", "{}a", "{}A", "{}/", "{}\n\n", "{}\r\n/", "a{}b", "{}1", "{} ", "  {}", "{0}{0}\n"]).format(sign)


def emoji(rng: Random) -> Iterator[str]:
    whole = ["😀", "❤️", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇺🇸🇯🇵", "1️⃣", "#️⃣", "🧑🏿‍💻", "👩‍❤️‍💋‍👨", "☺", "☺️", "🫠", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "™", "©️", "\u200d", "🏻", "🇽"]
    for one in whole:
        for frame in ["{}", " {}", "{0}{0}", "a{}b", "{}\n", "{}/", "1{}", "{}1", "{}A", "{}'s", "  {}"]:
            yield frame.format(one)
    for _ in range(200):
        yield joined(rng, whole + [" ", "a", "!", "\n", "1"], 2, 6)


def long_runs(rng: Random) -> Iterator[str]:
    for unit in ["a", "A", "=", "-", "*", ".", "1", "é", "中", "😀", "/", "ا", "\u0301", "ab", "aA", "Aa", "=-", "the", " a", "a\n", "'s", "\x00", "\ufeff", "_", "ー"]:
        for length in sorted(rng.sample(range(1, 71), 9)):
            yield (unit * length)[:70] + rng.choice(["", " ", "b", "B", "\n", "1"])
