"""Exact search over many shapes: dimension x batch x k, knear against each rival, and who is right."""

from __future__ import annotations

import argparse
from statistics import median
from typing import Any

import data
import machine
import plots
import report
import truth
from lineup import Lineup
from timing import QUICK, Budget, ratio

DIMS = [2, 3, 8, 32, 100, 128, 784, 2048]
BATCHES = [1, 8, 32, 1000]
KS = [1, 10, 100, 1000]
QUICK_DIMS, QUICK_BATCHES, QUICK_KS = [2, 32, 128, 784], [1, 32, 1000], [1, 10, 100]

Cell = dict[str, Any]


def run(options: argparse.Namespace) -> dict[str, Any]:
    names = [options.subject, *(options.rivals or ["faiss", "faiss_blas"])]
    result: dict[str, Any] = {"machine": machine.describe(), "subject": options.subject, "clock": options.clock,
                              "failed": {}, "cells": []}  # fmt: skip
    for threads in options.threads or [1]:
        with Lineup(names, threads) as lineup:
            result.setdefault("libraries", {})[f"{threads} threads"] = lineup.about
            for metric in options.metric if options.subject in lineup.workers else []:
                result["cells"] += _one_table(lineup, threads, metric, options)
            result["failed"] |= lineup.failed
    result["summary"] = report.grid_summary(result)
    print(result["summary"])
    plots.grid(result, options.out)
    return result


def _one_table(lineup: Lineup, threads: int, metric: str, options: argparse.Namespace) -> list[Cell]:
    dims = options.dims or (QUICK_DIMS if options.quick else DIMS)
    ks = options.k or (QUICK_KS if options.quick else KS)
    cells: list[Cell] = []
    print(report.grid_heading(metric, threads, ks), flush=True)
    for dim in dims:
        data_name = data.of_dimension(dim, options.quick)
        built = lineup.each("build", data_name, metric, "Flat")
        about = {"threads": threads, "metric": metric, "data": data.describe(data_name), "build": built}
        for nq in options.nq or (QUICK_BATCHES if options.quick else BATCHES):
            row = [_one_cell(lineup, about, nq, k, options) for k in ks]
            print(report.grid_row(row), flush=True)
            cells += row
    return cells


def _one_cell(lineup: Lineup, about: Cell, nq: int, k: int, options: argparse.Namespace) -> Cell:
    name, metric = about["data"]["name"], about["metric"]
    ids = lineup.each("answers", nq, k, truth.SAMPLE)
    cell = about | {"nq": nq, "k": k, "times": lineup.race(nq, k, options, QUICK if options.quick else Budget())}
    cell["exact_lists"] = {who: [truth.exact_lists(name, metric, found), len(found)] for who, found in ids.items()}
    cell["recall"] = {who: truth.recall(name, metric, found) for who, found in ids.items()}
    work = about["data"]["n"] * about["data"]["dim"] * nq
    cell["gmacs_per_second"] = {who: work / median(times) / 1e9 for who, times in cell["times"].items()}
    ours = cell["times"].get(options.subject)
    cell["ratio"] = {who: ratio(times, ours) for who, times in cell["times"].items() if ours and who != options.subject}
    if len(cell["ratio"]) > 1:
        cell["ratio"][report.FASTEST] = min(cell["ratio"].values())
    return cell
