"""The libraries that are compared, one file each behind the interface of base.py."""

from __future__ import annotations

import importlib

from rivals.base import Rival

# name -> (module, class, what pip installs for it; None: nothing beyond the harness's own numpy)
KNOWN = {
    "knear": ("rivals.knear", "Knear", "the repository"),
    "knear_fp32": ("rivals.knear", "KnearFp32", "the repository"),
    "faiss": ("rivals.faiss", "Faiss", "faiss-cpu"),
    "faiss_blas": ("rivals.faiss", "FaissBlas", "faiss-cpu"),
    "faiss_super": ("rivals.faiss", "FaissSuper", "faiss-cpu"),
    "hnswlib": ("rivals.hnswlib", "Hnswlib", "hnswlib"),
    "usearch": ("rivals.usearch", "Usearch", "usearch"),
    "rabitqlib": ("rivals.rabitqlib", "Rabitqlib", "rabitqlib"),
    "svs": ("rivals.svs", "Svs", "scalable-vs"),
    "scann": ("rivals.scann", "Scann", "scann"),
    "numpy": ("rivals.numpy", "Numpy", None),
}


def make(name: str) -> Rival:
    """Imports the rival's library and wraps it. Raises ImportError when it is not installed."""
    module, cls, _ = KNOWN[name]
    return getattr(importlib.import_module(module), cls)()
