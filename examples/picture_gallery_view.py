"""How picture_gallery.py shows what it found: a page for the browser and two pictures.

The page needs nothing but the standard library; the pictures need matplotlib.
"""

from __future__ import annotations

import html
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 28  # pixels of a picture, both ways
TEMPLATE = Path(__file__).with_name("picture_gallery.html")
PER_CLASS, SURPRISES = 20, 6  # queries on the page for each class; of these, with a neighbour of another class
INK, FAINT, ACCENT, WRONG = "#1f2328", "#7b838c", "#0f6e84", "#c2410c"


@dataclass(frozen=True)
class Gallery:
    """The pictures (n x 784 and nq x 784, uint8), their class numbers, and each query's neighbours (nq x k)."""

    pictures: np.ndarray
    queries: np.ndarray
    labels: np.ndarray
    query_labels: np.ndarray
    distances: np.ndarray
    ids: np.ndarray
    classes: list[str]

    def picked(self, per_class: int, surprises: int) -> list[int]:
        """Some queries of every class, the same each time; the last `surprises` of a class have a nearest
        picture of another class."""
        rng = np.random.default_rng(5)
        wrong = self.labels[self.ids[:, 0]] != self.query_labels
        chosen: list[int] = []
        for label in range(len(self.classes)):
            usual = rng.permutation(np.flatnonzero((self.query_labels == label) & ~wrong))
            odd = rng.permutation(np.flatnonzero((self.query_labels == label) & wrong))[:surprises]
            chosen += [int(q) for q in (*usual[: per_class - len(odd)], *odd)]
        return chosen


def write_page(folder: Path, gallery: Gallery, facts: dict[str, Any]) -> None:
    """Writes index.html and the sprites.png it shows: one row a query, its neighbours to the right."""
    by_class = np.array(gallery.picked(PER_CLASS, SURPRISES)).reshape(-1, PER_CLASS)
    chosen = by_class.T.ravel().tolist()  # all kinds take turns
    rows = [np.vstack([gallery.queries[q][None], gallery.pictures[gallery.ids[q]]]) for q in chosen]
    tiles = np.stack(rows).reshape(len(chosen), -1, SIDE, SIDE)
    sheet = tiles.transpose(0, 2, 1, 3).reshape(len(chosen) * SIDE, -1)
    (folder / "sprites.png").write_bytes(grey_png(sheet))
    page = TEMPLATE.read_text(encoding="utf-8")
    for name, text in words_of(facts).items():
        page = page.replace("{{" + name + "}}", html.escape(text))
    page = page.replace("/*DATA*/", json.dumps(page_data(gallery, chosen, facts), separators=(",", ":")))
    (folder / "index.html").write_text(page, encoding="utf-8")


def page_data(gallery: Gallery, chosen: list[int], facts: dict[str, Any]) -> dict[str, Any]:
    """What the page's script reads. Distances are plain, not squared."""
    queries = [
        {"label": int(gallery.query_labels[q]), "near": gallery.labels[gallery.ids[q]].tolist(),
         "ids": gallery.ids[q].tolist(), "away": np.sqrt(gallery.distances[q]).round().astype(int).tolist()}
        for q in chosen
    ]  # fmt: skip
    return {"classes": gallery.classes, "queries": queries, "batches": facts["batches"], "types": facts["types"]}


def words_of(facts: dict[str, Any]) -> dict[str, str]:
    """The facts as the page words them."""
    return {
        "count": f"{facts['count']:,}",
        "queries": f"{facts['queries']:,}",
        "qps": f"{facts['qps']:,.0f}",
        "latency": f"{facts['latency_ms']:.1f}",
        "recall": f"{facts['recall']:.4f}",
        "exact": f"{facts['exact_lists']:,}",
        "checked": f"{facts['checked']:,}",
        "memory": f"{facts['memory_bytes'] / 1e6:,.0f}",
        "add": f"{facts['add_seconds']:.2f}",
        "open": f"{facts['open_ms']:.1f}",
        "agreement": f"{facts['agreement'] * 100:.1f}",
        "machine": f"{facts['cpu']}, {facts['threads']} threads, {facts['isa']}",
        "version": str(facts["version"]),
        "k": str(facts["k"]),
    }


def grey_png(pixels: np.ndarray) -> bytes:
    """A PNG file of height x width grey values, uint8."""
    height, width = pixels.shape
    lines = np.hstack([np.zeros((height, 1), np.uint8), pixels]).tobytes()  # each line opens with its filter: none

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


def draw(folder: Path, gallery: Gallery, facts: dict[str, Any]) -> None:
    """Writes gallery.png and speed.png. Raises ImportError without matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "axes.labelcolor": INK,
             "axes.edgecolor": "#c9ced4", "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
             "axes.spines.right": False, "savefig.dpi": 160}  # fmt: skip
    with plt.rc_context(style):
        draw_gallery(plt, folder / "gallery.png", gallery, facts)
        draw_speed(plt, folder / "speed.png", facts)


def draw_gallery(plt: Any, path: Path, gallery: Gallery, facts: dict[str, Any]) -> None:
    """A row for each class: the query, then its nearest pictures with class and distance."""
    chosen = one_of_each_class(gallery)
    k = gallery.ids.shape[1]
    figure = plt.figure(figsize=(12.4, 13.6))
    figure.text(0.035, 0.972, f"The {k} nearest of {facts['count']:,} pictures", fontsize=19, fontweight="bold")
    figure.text(0.035, 0.953, f"exact search, {facts['qps']:,.0f} queries per second on {facts['threads']} threads, "
                f"recall@{k} {facts['recall']:.4f}. Distance and kind below each; orange where the kind is another.",
                fontsize=10.5, color=FAINT)  # fmt: skip
    grid = figure.add_gridspec(len(chosen), k + 2, width_ratios=[1.12, 0.16] + [1] * k, left=0.035, right=0.985,
                               top=0.93, bottom=0.025, wspace=0.1, hspace=0.42)  # fmt: skip
    for row, q in enumerate(chosen):
        name = gallery.classes[gallery.query_labels[q]]
        tile(figure.add_subplot(grid[row, 0]), gallery.queries[q], name, INK, framed=ACCENT)
        for place, (found, squared) in enumerate(zip(gallery.ids[q], gallery.distances[q])):
            kind = gallery.labels[found]
            colour = FAINT if kind == gallery.query_labels[q] else WRONG
            text = f"{gallery.classes[kind]}  {np.sqrt(squared):,.0f}"
            tile(figure.add_subplot(grid[row, place + 2]), gallery.pictures[found], text, colour)
    figure.savefig(path, facecolor="white")
    plt.close(figure)


def one_of_each_class(gallery: Gallery) -> list[int]:
    """For each class one query; in the classes most often mistaken, one with a nearest picture of another class."""
    per_class = 2
    pairs = np.array(gallery.picked(per_class, 1)).reshape(-1, per_class)
    wrong = gallery.labels[gallery.ids[:, 0]] != gallery.query_labels
    mistakes = np.bincount(gallery.query_labels[wrong], minlength=len(gallery.classes))
    hard = set(np.argsort(-mistakes)[:3].tolist())
    return [int(pair[int(label in hard)]) for label, pair in enumerate(pairs)]


def tile(axis: Any, picture: np.ndarray, text: str, colour: str, framed: str = "") -> None:
    axis.imshow(picture.reshape(SIDE, SIDE), cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel(text, color=colour, fontsize=9 if framed else 7.8, fontweight="bold" if framed else "normal",
                    labelpad=4)  # fmt: skip
    for spine in axis.spines.values():
        spine.set(visible=True, color=framed or "#e3e6ea", linewidth=2.2 if framed else 0.8)


def draw_speed(plt: Any, path: Path, facts: dict[str, Any]) -> None:
    """Queries per second: by how many are asked together, and by stored type."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.9), layout="constrained",
                                         gridspec_kw={"width_ratios": [1, 1.25], "wspace": 0.04})  # fmt: skip
    bars(left, [(f"{p['batch']:,}", p["qps"], "") for p in facts["batches"]], room=1.25)
    left.set_title("by how many are asked together", loc="left", fontsize=9.5, color=FAINT)
    notes = [f"  {t['vector_bytes']:,} bytes, recall@{facts['k']} {t['recall']:.4f}" for t in facts["types"]]
    bars(right, [(t["name"], t["qps"], note) for t, note in zip(facts["types"], notes)], room=1.95)
    right.set_title("by stored type, 1,000 asked together", loc="left", fontsize=9.5, color=FAINT)
    figure.suptitle(f"Queries per second among {facts['count']:,} pictures, exact, {facts['threads']} threads",
                    x=0.01, ha="left", fontsize=12, fontweight="bold")  # fmt: skip
    figure.savefig(path, facecolor="white")
    plt.close(figure)


def bars(axis: Any, rows: list[tuple[str, float, str]], room: float) -> None:
    """Lying bars of (name, value, note), the first on top; `room` is the axis' length in longest bars."""
    places = list(range(len(rows)))[::-1]
    axis.barh(places, [value for _, value, _ in rows], color=ACCENT, height=0.6)
    for place, (_, value, note) in zip(places, rows):
        axis.annotate(f"{value:,.0f}{note}", (value, place), xytext=(6, 0), textcoords="offset points", va="center")
    axis.set_yticks(places, [name for name, _, _ in rows])
    axis.set(xlim=(0, room * max(value for _, value, _ in rows)), xticks=[])
    axis.tick_params(length=0)
    axis.spines["bottom"].set_visible(False)
