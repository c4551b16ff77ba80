"""The types of scalar quantizers."""

from __future__ import annotations


class ScalarQuantizer:
    """The types of IndexScalarQuantizer, by their well-known names."""

    __module__ = "knear"
    __slots__ = ()

    QT_8bit = 0
    QT_4bit = 1
    QT_8bit_uniform = 2
    QT_4bit_uniform = 3
    QT_fp16 = 4
    QT_8bit_direct = 5
    QT_6bit = 6
    QT_bf16 = 7
    QT_8bit_direct_signed = 8


SQ_SPECS = (
    "SQ8", "SQ4", "SQ8,range=uniform", "SQ4,range=uniform", "SQfp16", "SQ8_direct", "SQ6", "SQbf16",
    "SQ8_direct_signed",
)  # fmt: skip
