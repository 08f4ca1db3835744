#!/usr/bin/env python3
"""Makes testdata/tokenizer-json/: small tokenizers of every model type, and what Python's tokenizers gives for texts.

    python -m venv .venv && .venv/bin/pip install -r testdata/tokenizer-json/requirements.txt
    .venv/bin/python scripts/make-tokenizer-json-fixtures.py

The tokenizers are trained on texts of this repository, in the shape of well-known published ones. Not all trainers give the same twice, so a
tokenizer that is there is kept, and only its cases are made anew. The formats are described in testdata/tokenizer-json/README.md.
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers
from tokenizers import AddedToken, Encoding, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

VERSION = "0.23.3"
ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "testdata/tokenizer-json"
CORPUS = [line for name in ("README.md", "README.zh-CN.md", "examples/mill.txt") for line in (ROOT / name).read_text().split("\n") if line.strip()]

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
DEEPSEEK_WORDS = (
    r'''[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+'''
)
NOUGAT_SIGNS = r"""[\(\)\[\]\{\}]|([!"\#\$%\&'\*\+,\-\./:;<=>\?\\\^_`\|\~])\1*"""

TEXTS = [
    "",
    "a",
    " ",
    "Hello, world! It's the mill's 1st day: 12345 tokens.",
    "The quick brown fox jumps over the lazy dog",
    "  two  spaces   three\tand a tab\n\nlines\r\n  indented",
    "trailing space ",
    "\n",
    "don't I'LL we've THEY'RE",
    "naïve café déjà-vu Ünïcödé",
    "nai\u0308ve cafe\u0301 (combining)",
    "原始文本变成模型的输入。你好，世界！",
    "こんにちは世界 カタカナ",
    "Привет, мир! Ёлка",
    "नमस्ते दुनिया",
    "مرحبا بالعالم",
    "😀 é a 👩‍👩‍👧‍👦 👍🏽",
    "e\u0301\u0323 \u1e9b\u0323 ﬁ ½ Ⅷ ㎏ ①",
    "\u00a0nbsp\u2003em\u3000ideographic",
    "x\u0000y\u200bz\ufeffw",
    "İstanbul ıI ß ẞ ǅ",
    "<|endoftext|>",
    "a<|endoftext|>b <|endoftext|> c",
    "[CLS] [SEP] [MASK] and [UNK]",
    "before [MASK] after<mask>  <mask> end",
    "<s>text</s> <pad> <unk>",
    "yesterday YESTERDAY todayyesterday yesterday.",
    "foo<tool>bar < tool> <tool >",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "a" * 300,
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "def f(x):\n    return x ** 2  # squares\n",
    "https://example.com/path?q=1&r=2#frag",
    "1 12 123 1234 12345 ١٢٣ ⅷ",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "\u1100\u1161\u11a8 가 각",
    "▁underscore ▁▁ Ġ Ċ ##ing",
    "mixed日本語and한국어text",
    "'' \"quoted\" — dash… ellipsis",
]
# Beside these.
TEXTS_OF = {"nougat": ["**bold** ***both*** ====--==\n---\n||a|b|", "((a)) [[1]] {{x}}...!!??", "MSPL1T-TH1S-Pl3A5EK SPL1T", "~~~~ ////* \\\\cdot ^^_ ##,,"]}
PAIRS = [("What is a mill?", "It grinds text."), ("", "second"), ("first", ""), ("a b c d e f g h i j", "k l m n o p q r s t u v w x y z")]


def random_texts(count: int) -> list[str]:
    rng = random.Random(23)
    # Of a text that does not change: the pages above do.
    words = (ROOT / "examples/mill.txt").read_text().split()
    odd = [*"  \n\t.,!'", "é", "e\u0301", "日", "😀", "\u0300", "[MASK]", "<mask>", "<s>", "</s>", "<|endoftext|>", "<tool>", "yesterday", "ﬁ", "\u3000", "12", "İ"]
    return ["".join(rng.choice(odd) if rng.random() < 0.4 else rng.choice([" ", ""]) + rng.choice(words) for _ in range(rng.randrange(1, 14))) for _ in range(count)]


def byte_level(regex: str | None, **options: Any) -> pre_tokenizers.PreTokenizer:
    if regex is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True, **options)
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False, **options)]
    )


def train_bpe(tokenizer: Tokenizer, size: int = 700, **options: Any) -> Tokenizer:
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def special(*names: str, **options: Any) -> list[AddedToken]:
    return [AddedToken(name, special=True, normalized=False, **options) for name in names]


def field_of_message(message: bytes, wanted: int) -> bytes:
    """A field of bytes of a protobuf message."""

    def number(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if message[at - 1] < 0x80:
                return value, at

    at = 0
    while at < len(message):
        key, at = number(at)
        if key & 7 == 2:
            length, at = number(at)
            if key >> 3 == wanted:
                return message[at : at + length]
            at += length
        else:
            at = number(at)[1] if key & 7 == 0 else at + (8 if key & 7 == 1 else 4)
    raise LookupError(wanted)


def bert() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=600, show_progress=False, special_tokens=names))
    ids = {name: tokenizer.token_to_id(name) for name in names}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    )
    return tokenizer


def t5() -> Tokenizer:
    """Unigram with a map of characters of sentencepiece."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, rules = Path(folder, "corpus"), Path(folder, "rules.tsv")
        corpus.write_text("\n".join(CORPUS))
        pairs = {"ﬁ": "fi", "½": "1/2", "\u00a0": " ", "\u3000": " ", "①": "1", "e\u0301": "é", "\u200b": ""}
        rules.write_text("".join(f"{' '.join(f'{ord(c):X}' for c in source)}\t{' '.join(f'{ord(c):X}' for c in target)}\n" for source, target in pairs.items()))
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=str(Path(folder, "m")), vocab_size=600, normalization_rule_tsv=str(rules), minloglevel=2,
            pad_id=0, eos_id=1, unk_id=2, bos_id=-1, num_threads=1, character_coverage=0.98,
        )  # fmt: skip
        model = Path(folder, "m.model").read_bytes()
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    vocab = [(pieces.id_to_piece(id), pieces.get_score(id)) for id in range(pieces.get_piece_size())]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=False))
    # ModelProto.normalizer_spec.precompiled_charsmap
    charsmap = field_of_message(field_of_message(model, 3), 2)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens(special("<pad>", "</s>", "<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def xlmr() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip(True, True)])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.decoder = decoders.Metaspace()
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        CORPUS, trainers.UnigramTrainer(vocab_size=1200, show_progress=False, special_tokens=names, unk_token="<unk>")
    )
    tokenizer.add_special_tokens(special("<mask>", lstrip=True))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def llama2() -> Tokenizer:
    """BPE of characters with bytes to fall back to; no pre-tokenizer."""
    words = Tokenizer(models.BPE(unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=900, show_progress=False, special_tokens=names, limit_alphabet=80))
    model = json.loads(words.to_str())["model"]
    tokenizer = Tokenizer(
        models.BPE(model["vocab"], [tuple(merge) for merge in model["merges"]], unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens(special("<unk>", "<s>", "</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer


def gpt2() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level(None)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    train_bpe(tokenizer)
    model = json.loads(tokenizer.to_str())["model"]
    # As in the published file: the special token is in the vocabulary too, last, and made by no merge.
    vocab = {**model["vocab"], "<|endoftext|>": len(model["vocab"])}
    tokenizer.model = models.BPE(vocab, [tuple(merge) for merge in model["merges"]])
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=True)])
    return tokenizer


def llama3() -> Tokenizer:
    """All ways to make a token are merges, and a word that is a token is that token: as in files made from .tiktoken ones."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level(LLAMA3)
    train_bpe(tokenizer)
    vocab = json.loads(tokenizer.to_str())["model"]["vocab"]
    merges = []
    for token, rank in sorted(vocab.items(), key=lambda item: item[1]):
        ways = [(token[:at], token[at:]) for at in range(1, len(token)) if token[:at] in vocab and token[at:] in vocab]
        merges += sorted(ways, key=lambda way: (vocab[way[0]], vocab[way[1]]))
    tokenizer.model = models.BPE(vocab, merges, ignore_merges=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special("<|begin_of_text|>", "<|end_of_text|>", "<|endoftext|>"))
    tokenizer.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    bos = "<|begin_of_text|>"
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))]),
        ]
    )
    return tokenizer


def qwen2() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = byte_level(QWEN2)
    tokenizer.decoder = decoders.ByteLevel()
    train_bpe(tokenizer)
    tokenizer.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    tokenizer.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def o200k() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level(O200K)
    tokenizer.decoder = decoders.ByteLevel()
    train_bpe(tokenizer, special_tokens=["<|endoftext|>"])
    return tokenizer


def deepseek() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
            pre_tokenizers.Split(Regex(r"[一-龥぀-ゟ゠-ヿ]+"), "isolated"),
            pre_tokenizers.Split(Regex(DEEPSEEK_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return train_bpe(tokenizer, special_tokens=["<|endoftext|>"])


def starcoder() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(None)])
    tokenizer.decoder = decoders.ByteLevel()
    return train_bpe(tokenizer, special_tokens=["<|endoftext|>"])


def neox() -> Tokenizer:
    """Without the bytes that UTF-8 has not, and with added tokens of spaces, which are looked for in what is normalized."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = byte_level(None, trim_offsets=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = [character for character in pre_tokenizers.ByteLevel.alphabet() if character not in "ÀÁõö÷øùúûüýþÿ"]
    names = ["<|endoftext|>", "<|padding|>"]
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=700, show_progress=False, initial_alphabet=alphabet, special_tokens=names))
    tokenizer.add_tokens([AddedToken(" " * count, normalized=True) for count in range(24, 1, -1)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return tokenizer


def nougat() -> Tokenizer:
    """The same sign several times in a row is one piece, by an expression that refers back; also Galactica's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("SPL1T-TH1S-Pl3A5E", "removed"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(Regex(NOUGAT_SIGNS), "isolated"),
            pre_tokenizers.Split("\n", "isolated"),
            byte_level(None),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    train_bpe(tokenizer, special_tokens=names)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def roberta() -> Tokenizer:
    """Ids in another order than the merges, a token that takes the white space before it, and offsets that are trimmed."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level(None)
    train_bpe(tokenizer)
    model = json.loads(tokenizer.to_str())["model"]
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    tokens = sorted(model["vocab"])
    random.Random(7).shuffle(tokens)
    vocab = {token: id for id, token in enumerate([*names, *tokens, "<mask>"])}
    tokenizer.model = models.BPE(vocab, [tuple(merge) for merge in model["merges"]])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([*[AddedToken(name, special=True, normalized=True) for name in names], *special("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return tokenizer


def clip() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    return train_bpe(tokenizer, end_of_word_suffix="</w>", special_tokens=["<|endoftext|>"])


def words() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(CORPUS, trainers.WordLevelTrainer(vocab_size=400, show_progress=False, special_tokens=["[UNK]", "[PAD]"]))
    return tokenizer


def added() -> Tokenizer:
    """Added tokens of every kind, with a normalizer that changes them."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Punctuation()
    tokenizer.train_from_iterator([line.lower() for line in CORPUS], trainers.WordLevelTrainer(vocab_size=300, show_progress=False, special_tokens=["[UNK]"]))
    tokenizer.add_tokens(
        [
            AddedToken("Yesterday", normalized=True, single_word=True),
            AddedToken("<tool>", normalized=False, rstrip=True),
            AddedToken("café", normalized=True, lstrip=True, rstrip=True),
            AddedToken("aaa", normalized=False),
            AddedToken("aaaa", normalized=True),
        ]
    )
    tokenizer.add_special_tokens(special("<mask>", lstrip=True))
    tokenizer.add_special_tokens([AddedToken("[MASK]", special=True, normalized=True, single_word=True)])
    return tokenizer


FIXTURES = [bert, t5, xlmr, llama2, gpt2, llama3, qwen2, o200k, deepseek, starcoder, nougat, neox, roberta, clip, words, added]


def units(text: str) -> list[int]:
    """Where each code point starts in UTF-16 code units, and the length."""
    starts = [0]
    for character in text:
        starts.append(starts[-1] + (2 if ord(character) > 0xFFFF else 1))
    return starts


def rows(tokenizer: Tokenizer, texts: list[str]) -> list[dict[str, Any]]:
    source = tokenizer.to_str()
    # What a post-processor trims off offsets is not what the model saw.
    bare = Tokenizer.from_str(json.dumps({**json.loads(source), "post_processor": None}))
    plain = Tokenizer.from_str(source)
    plain.encode_special_tokens = True
    made = []
    for text in [*TEXTS, *texts, *random_texts(60)]:
        encoding, place = bare.encode(text), units(text)
        row = {"text": text, "ids": encoding.ids, "spans": [[place[start], place[end]] for start, end in encoding.offsets], "words": encoding.word_ids}
        row |= {"decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False), "skipped": tokenizer.decode(encoding.ids)}
        whole = tokenizer.encode(text)
        row |= {"whole": whole.ids, "types": whole.type_ids}
        ordinary = plain.encode(text, add_special_tokens=False).ids
        if ordinary != encoding.ids:
            row["ordinary"] = ordinary
        made.append(row)
    return made


def untrimmed(processor: Any) -> Any:
    """A post-processor that leaves offsets as the model saw them."""
    if isinstance(processor, list):
        return [untrimmed(part) for part in processor]
    if isinstance(processor, dict):
        return {key: False if key == "trim_offsets" else untrimmed(part) for key, part in processor.items()}
    return processor


def where(encodings: list[tuple[int, Encoding]], inputs: list[Any], is_bare: bool) -> dict[str, Any]:
    """Of each token of each row its text, its word there, and its place in UTF-16 code units; -1, -1 and 0, 0 for what is of no text."""
    made: dict[str, Any] = {"sequences": [], "words": [], "places": []}
    for index, encoding in encodings:
        texts = [inputs[index]] if isinstance(inputs[index], str) else inputs[index]
        starts = [units(text) for text in texts]
        # Without post-processor sequence_ids goes by places in the first row also in further ones, and type ids tell texts apart.
        tokens = list(zip(encoding.type_ids if is_bare else encoding.sequence_ids, encoding.word_ids, encoding.offsets))
        made["sequences"].append([-1 if word is None else text for text, word, _ in tokens])
        made["words"].append([-1 if word is None else word for _, word, _ in tokens])
        made["places"].append([[0, 0] if word is None else [starts[text][place] for place in span] for text, word, span in tokens])
    return made


def padded(trimming: Tokenizer) -> list[dict[str, Any]]:
    file = json.loads(trimming.to_str())
    is_bare = file["post_processor"] is None
    tokenizer = Tokenizer.from_str(json.dumps({**file, "post_processor": untrimmed(file["post_processor"])}))
    made = []
    texts = [TEXTS[3], TEXTS[4], "", TEXTS[11]]
    pairs = PAIRS
    for inputs in (texts, pairs):
        for max_length, strategy, direction in ((8, "longest_first", "right"), (9, "longest_first", "left"), (200, "longest_first", "right"), (8, "only_first", "right")):
            for pad in (("right", None), ("left", 16)):
                tokenizer.enable_truncation(max_length, strategy=strategy, direction=direction)
                tokenizer.enable_padding(direction=pad[0], pad_id=3, pad_type_id=2, pad_token="p", length=pad[1])
                try:
                    encodings = tokenizer.encode_batch(inputs)
                except Exception:
                    continue  # a text too short to be cut
                rows = {"ids": [e.ids for e in encodings], "mask": [e.attention_mask for e in encodings], "types": [e.type_ids for e in encodings]}
                options = {"maxLength": max_length, "truncation": strategy.replace("_", "-"), "truncationSide": "start" if direction == "left" else "end"}
                options |= {"paddingSide": "start" if pad[0] == "left" else "end", "padTo": pad[1], "padId": 3, "padTypeId": 2}
                made.append({"inputs": inputs, "options": options, **rows, **where(list(enumerate(encodings)), inputs, is_bare)})
    for inputs in ([*texts, " ".join(texts)], [*pairs, (pairs[3][1], pairs[3][0])]):
        for max_length, stride, strategy, direction in (
            (8, 0, "longest_first", "right"), (9, 1, "longest_first", "left"), (14, 3, "longest_first", "right"), (24, 0, "only_first", "right"), (31, 0, "only_second", "left"),
        ):  # fmt: skip
            tokenizer.enable_truncation(max_length, stride=stride, strategy=strategy, direction=direction)
            tokenizer.enable_padding(pad_id=3, pad_type_id=2, pad_token="p", length=max_length)
            try:
                encodings = [(index, each) for index, first in enumerate(tokenizer.encode_batch(inputs)) for each in [first, *first.overflowing]]
            except Exception:
                continue
            rows = {"ids": [e.ids for _, e in encodings], "mask": [e.attention_mask for _, e in encodings], "types": [e.type_ids for _, e in encodings]}
            options = {"maxLength": max_length, "stride": stride, "overflow": True, "truncation": strategy.replace("_", "-"), "truncationSide": "start" if direction == "left" else "end"}
            options |= {"paddingSide": "end", "padTo": max_length, "padId": 3, "padTypeId": 2}
            made.append({"inputs": inputs, "options": options, **rows, "inputOf": [index for index, _ in encodings], **where(encodings, inputs, is_bare)})
    return made


def main() -> None:
    assert tokenizers.__version__ == VERSION, tokenizers.__version__
    OUT.mkdir(parents=True, exist_ok=True)
    for make in FIXTURES:
        file = OUT / f"{make.__name__}.json"
        if not file.exists():
            file.write_text(json.dumps(json.loads(make().to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        tokenizer = Tokenizer.from_file(str(file))
        about = f"made by scripts/make-tokenizer-json-fixtures.py with tokenizers {VERSION}; do not edit"
        lines = [{"about": about}, *rows(tokenizer, TEXTS_OF.get(make.__name__, [])), *padded(tokenizer)]
        (OUT / f"{make.__name__}.cases.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


if __name__ == "__main__":
    main()
