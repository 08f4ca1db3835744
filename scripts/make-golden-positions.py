#!/usr/bin/env python3
"""Makes testdata/embedding/positions.json: rows of rotary tables and ALiBi slopes, by the formulas of Hugging Face's transformers in float64.

    python3 scripts/make-golden-positions.py [--compare]

Needs nothing but Python. With --compare, frequencies and slopes are also compared with those of an installed `transformers` (its
`modeling_rope_utils` and `build_alibi_tensor` of BLOOM), which computes in float32.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "testdata/embedding/positions.json"

LLAMA3 = {"type": "llama3", "factor": 8.0, "lowFrequency": 1.0, "highFrequency": 4.0, "originalContextLength": 8192}
YARN = {"type": "yarn", "factor": 16.0, "betaFast": 32.0, "betaSlow": 1.0, "originalContextLength": 4096}
ROPES: list[dict[str, Any]] = [
    {"headDimensions": 2, "base": 10000.0, "scaling": None},
    {"headDimensions": 64, "base": 10000.0, "scaling": None},
    {"headDimensions": 10, "base": 500.5, "scaling": None},
    {"headDimensions": 128, "base": 1000000.0, "scaling": {"type": "linear", "factor": 4.0}},
    {"headDimensions": 128, "base": 500000.0, "scaling": LLAMA3},
    {"headDimensions": 64, "base": 500000.0, "scaling": LLAMA3 | {"factor": 32.0}},
    {"headDimensions": 128, "base": 10000.0, "scaling": YARN},
    {"headDimensions": 64, "base": 150000.0, "scaling": YARN | {"factor": 32.0, "attentionFactor": 1.5}},
    {"headDimensions": 64, "base": 150000.0, "scaling": YARN | {"factor": 32.0, "truncate": False}},
    {"headDimensions": 4, "base": 10000.0, "scaling": YARN | {"betaFast": 2.0, "betaSlow": 1.5, "originalContextLength": 8, "truncate": False}},
    {"headDimensions": 4, "base": 10000.0, "scaling": YARN | {"betaFast": 2.0, "betaSlow": 1.5, "originalContextLength": 8}},
]
POSITIONS = [0, 1, 17, 131071]
HEADS = [1, 2, 3, 6, 8, 12, 16, 20, 32, 40, 112]


def frequencies(rope: dict[str, Any]) -> tuple[list[float], float]:
    """`inv_freq` and `attention_scaling` as transformers has them."""
    dim, base, scaling = rope["headDimensions"], rope["base"], rope["scaling"]
    plain = [1.0 / base ** (i / dim) for i in range(0, dim, 2)]
    match scaling:
        case None:
            return plain, 1.0
        case {"type": "linear"}:
            return [f / scaling["factor"] for f in plain], 1.0
        case {"type": "llama3"}:
            return [llama3(f, scaling) for f in plain], 1.0
        case {"type": "yarn"}:
            return yarn(plain, dim, base, scaling)
    raise ValueError(scaling)


def llama3(frequency: float, scaling: dict[str, Any]) -> float:
    factor, low, high, length = (scaling[key] for key in ("factor", "lowFrequency", "highFrequency", "originalContextLength"))
    wavelength = 2 * math.pi / frequency
    if wavelength > length / low:
        return frequency / factor
    if wavelength < length / high:
        return frequency
    smooth = (length / wavelength - low) / (high - low)
    return (1 - smooth) * frequency / factor + smooth * frequency


def yarn(plain: list[float], dim: int, base: float, scaling: dict[str, Any]) -> tuple[list[float], float]:
    factor, length = scaling["factor"], scaling["originalContextLength"]

    def correction(rotations: float) -> float:
        return dim * math.log(length / (rotations * 2 * math.pi)) / (2 * math.log(base))

    first, last = correction(scaling["betaFast"]), correction(scaling["betaSlow"])
    if scaling.get("truncate", True):
        first, last = math.floor(first), math.ceil(last)
    low, high = max(first, 0), min(last, dim - 1)
    width = 0.001 if low == high else high - low
    mixed = []
    for pair, frequency in enumerate(plain):
        extrapolation = 1 - min(max((pair - low) / width, 0), 1)
        mixed.append(frequency / factor * (1 - extrapolation) + frequency * extrapolation)
    return mixed, scaling.get("attentionFactor", 0.1 * math.log(factor) + 1.0)


def slopes(heads: int) -> list[float]:
    """As in BLOOM's `build_alibi_tensor`."""
    closest = 2 ** math.floor(math.log2(heads))
    base = 2 ** -(2 ** -(math.log2(closest) - 3))
    found = [base**power for power in range(1, closest + 1)]
    if closest != heads:
        extra = 2 ** -(2 ** -(math.log2(2 * closest) - 3))
        remaining = min(closest, heads - closest)
        found += [extra**power for power in range(1, 1 + 2 * remaining, 2)]
    return found


def compare() -> None:
    from types import SimpleNamespace

    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    for rope in ROPES:
        scaling = rope["scaling"] or {}
        if not scaling:
            continue
        names = {"type": "rope_type", "lowFrequency": "low_freq_factor", "highFrequency": "high_freq_factor", "betaFast": "beta_fast",
                 "betaSlow": "beta_slow", "originalContextLength": "original_max_position_embeddings", "attentionFactor": "attention_factor"}
        parameters = {names.get(key, key): value for key, value in scaling.items()} | {"rope_theta": rope["base"]}
        config = SimpleNamespace(rope_theta=rope["base"], head_dim=rope["headDimensions"], hidden_size=rope["headDimensions"], num_attention_heads=1,
                                 rope_parameters=parameters, rope_scaling=parameters, standardize_rope_params=lambda: None,
                                 max_position_embeddings=scaling.get("originalContextLength", 4096))
        theirs, attention = ROPE_INIT_FUNCTIONS[scaling["type"]](config, "cpu")
        ours, factor = frequencies(rope)
        torch.testing.assert_close(theirs.double(), torch.tensor(ours, dtype=torch.float64), rtol=2e-6, atol=0)
        assert math.isclose(attention, factor, rel_tol=1e-9), (attention, factor)
    for heads in HEADS:
        theirs = build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)[:, 0, 1]
        torch.testing.assert_close(theirs.double(), torch.tensor(slopes(heads), dtype=torch.float64), rtol=1e-6, atol=0)
    print("the same as transformers")


def main() -> None:
    if "--compare" in sys.argv[1:]:
        compare()
    ropes = []
    for rope in ROPES:
        inverse, factor = frequencies(rope)
        rows = {
            str(position): {
                "cos": [factor * math.cos(position * frequency) for frequency in inverse],
                "sin": [factor * math.sin(position * frequency) for frequency in inverse],
            }
            for position in POSITIONS
        }
        ropes.append(rope | {"rows": rows})
    golden = {"ropes": ropes, "alibi": {str(heads): slopes(heads) for heads in HEADS}}
    FILE.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
