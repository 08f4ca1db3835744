"""Loads saved tokenizers with Hugging Face's `tokenizers` and with tiktoken, and prints the ids that they give: what __test__/tokenizer/save-bpe.test.ts compares.

Reads JSON from stdin: `{json, tiktoken, pattern, special, texts}`, paths of two files of one tokenizer, tiktoken's regular expression, the special tokens with
their ids and the texts. Prints `{json: [ids], tiktoken: [ids]}`, special tokens being read as such by both. What is not there, or has no
pattern that tiktoken can read, is null.
"""

import importlib
import json
import sys


def module(name: str):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main() -> None:
    asked = json.load(sys.stdin)
    result = {"json": None, "tiktoken": None}
    if tokenizers := module("tokenizers"):
        tokenizer = tokenizers.Tokenizer.from_file(asked["json"])
        result["json"] = [tokenizer.encode(text, add_special_tokens=False).ids for text in asked["texts"]]
        # What it decodes to, so that the decoder is seen to be right too.
        for text, ids in zip(asked["texts"], result["json"]):
            assert tokenizer.decode(ids, skip_special_tokens=False) == text, text
    if (tiktoken := module("tiktoken")) and asked["pattern"] is not None:
        load = importlib.import_module("tiktoken.load")
        ranks = load.load_tiktoken_bpe(asked["tiktoken"])
        encoding = tiktoken.Encoding("saved", pat_str=asked["pattern"], mergeable_ranks=ranks, special_tokens=asked["special"])
        result["tiktoken"] = [encoding.encode(text, allowed_special="all") for text in asked["texts"]]
    json.dump(result, sys.stdout)


main()
