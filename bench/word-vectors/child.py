"""One training of gensim, as child.mjs does it: child.py SENTENCES OUT OBJECTIVE THREADS EPOCHS SEED."""

from __future__ import annotations

import json
import sys
import time

import gensim
import numpy
from gensim.models import Word2Vec
from gensim.models.word2vec import LineSentence


def now() -> tuple[int, int]:
    return time.perf_counter_ns(), time.process_time_ns()


def between(start: tuple[int, int], end: tuple[int, int]) -> dict[str, int]:
    return {"wall": end[0] - start[0], "cpu": end[1] - start[1]}


def main() -> None:
    sentences, out, objective, threads, epochs, seed = sys.argv[1:]
    start = now()
    texts = list(LineSentence(sentences))
    model = Word2Vec(sg=int(objective == "skipgram"), workers=int(threads), epochs=int(epochs), seed=int(seed))
    model.build_vocab(texts)
    read = now()
    model.train(texts, total_examples=model.corpus_count, epochs=model.epochs)
    end = now()
    versions = {"gensim": gensim.__version__, "numpy": numpy.__version__, "python": sys.version.split()[0]}
    print(json.dumps({"read": between(start, read), "train": between(read, end), "versions": versions}))
    model.wv.save_word2vec_format(out, binary=True)


main()
