"""What every long call shares: threads, fork, progress, stopping, Ctrl-C, timeouts."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import knear


def test_eight_threads_search_while_one_adds(rows):
    index = knear.IndexFlatL2(8)
    index.add(rows[:10])
    failures, finished = [], threading.Event()

    def search():
        while not finished.is_set():
            D, I = index.search(rows[:10], 1)
            if I.ravel().tolist() != list(range(10)) or D.any():
                failures.append((D, I))

    searchers = [threading.Thread(target=search) for _ in range(8)]
    for thread in searchers:
        thread.start()
    for i in range(10, 100):
        index.add(rows[i : i + 1] + 5)
        if i % 10 == 0:
            index.remove([i])
    finished.set()
    for thread in searchers:
        thread.join()
    assert not failures and len(index) == 91


def test_python_filters_and_writers_do_not_wait_for_each_other(rows):
    index = knear.IndexFlatL2(8)
    index.add(rows)
    writer = threading.Thread(target=lambda: [index.add(rows[:5]) for _ in range(20)])
    writer.start()
    for _ in range(20):
        assert index.search(rows[:2], 1, filter=lambda id: id < 100)[1].tolist() == [[0], [1]]
        assert len(index) >= 100
        index.remove(lambda id: id == 150)
    writer.join(timeout=30)
    assert not writer.is_alive()


def _search_in_child(index, queries, answers):
    answers.put(index.search(queries, 3)[1].tolist())


def test_a_forked_worker_searches(index, rows):
    want = index.search(rows, 3)[1].tolist()
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    workers = [fork.Process(target=_search_in_child, args=(index, rows, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    got = [answers.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(timeout=30)
        assert worker.exitcode == 0
    assert got == [want, want] and index.search(rows, 3)[1].tolist() == want


def test_a_spawned_worker_gets_the_index_by_pickle(index, rows):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_ids_of_nearest, (index, rows[:5])) == [0, 1, 2, 3, 4]


def _ids_of_nearest(index, queries):
    return index.search(queries, 1)[1].ravel().tolist()


def test_progress_is_told_to_the_end():
    x = np.zeros((20000, 16), "float32")
    index, heard = knear.IndexFlatL2(16), []
    index.add(x, progress=heard.append)
    assert heard and heard[-1].done == heard[-1].total == 20000
    assert all(a.done <= b.done for a, b in zip(heard, heard[1:]))
    assert heard[-1].phase and heard[-1].rate >= 0
    heard.clear()
    index.search(x[:600], 3, progress=heard.append)
    assert heard and heard[-1].done == heard[-1].total == 600
    assert repr(heard[-1]).startswith("Progress(phase='search', done=600, total=600, ")


def big_search(**arguments):
    """A search of many seconds, on data of few bytes."""
    x = np.zeros((20000, 256), "float32")
    index = knear.IndexFlat(256, "canberra")
    index.add(x)
    return index.search(x, 5, **arguments)


def test_progress_that_says_false_stops():
    start = time.monotonic()
    with pytest.raises(knear.Stopped):
        big_search(progress=lambda progress: False)
    assert time.monotonic() - start < 30


def test_an_exception_of_the_progress_function_comes_home():
    def broken(progress):
        raise LookupError(progress.phase)

    with pytest.raises(LookupError, match="search"):
        big_search(progress=broken)


def test_a_timeout_is_kept():
    with pytest.raises(TimeoutError) as caught:
        big_search(timeout=0.05)
    assert isinstance(caught.value, knear.Timeout)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_must_be_positive(index, rows, timeout):
    with pytest.raises(ValueError, match="timeout"):
        index.search(rows, 1, timeout=timeout)
    index.search(rows, 1, timeout=float("inf"))


@pytest.mark.parametrize("progress", ["yes", 1, []])
def test_progress_must_be_callable(index, rows, progress):
    with pytest.raises(TypeError, match="progress"):
        index.search(rows, 1, progress=progress)


def test_a_stopped_add_leaves_the_index_as_it_was():
    index = knear.IndexFlat(32, dtype="uint8")
    few, many = np.eye(5, 32, dtype="uint8"), np.broadcast_to(np.uint8(9), (5_000_000, 32))
    index.add(few)
    with pytest.raises(knear.Stopped):
        index.add(many, progress=lambda progress: False, num_threads=1)
    assert index.ids().tolist() == [0, 1, 2, 3, 4] and index.search(few, 1)[1].ravel().tolist() == [0, 1, 2, 3, 4]


CTRL_C = """
    import signal, sys, numpy as np, knear
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what started the tests may have it ignored
    x = np.zeros((60000, 256), "float32")
    index = knear.IndexFlat(256, "canberra")
    index.add(x)
    print("searching", flush=True)
    try:
        index.search(x, 5)
    except KeyboardInterrupt:
        print("interrupted", index.search(x[:1], 1, num_threads=1)[1].tolist())
        sys.exit(130)
"""


def test_ctrl_c_ends_a_long_search():
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CTRL_C)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "searching\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert out == "interrupted [[0]]\n" and process.returncode == 130


def test_a_bar_shows_in_a_terminal_only():
    program = textwrap.dedent(
        """
        import numpy as np, knear
        x = np.zeros((3000, 64), "float32")
        index = knear.IndexFlatL2(64)
        index.add(x, progress=True)
        index.search(x, 1, progress=True)
        """
    )
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert piped.stdout == piped.stderr == b""
    shown = _run_in_terminal(program)
    assert "100% |##############################| 3000/3000" in shown and shown.count("\n") == 2


def _run_in_terminal(program):
    pty = pytest.importorskip("pty")
    here, there = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", program], stdout=there, stderr=there) as process:
        os.close(there)
        shown = b""
        while True:
            try:
                block = os.read(here, 4096)
            except OSError:
                break
            if not block:
                break
            shown += block
    os.close(here)
    assert process.returncode == 0
    return shown.decode().replace("\r\n", "\n")


def test_a_bar_shows_in_a_notebook(monkeypatch, index, rows):
    from knear import _progress

    shown = []

    class Handle:
        def update(self, content, raw):
            shown.append(content["text/plain"])

    def display(content, raw, display_id):
        shown.append(content["text/plain"])
        return Handle()

    monkeypatch.setattr(_progress, "_notebook_display", lambda: display)
    index.search(rows, 1, progress=True)
    assert shown and shown[-1].startswith("search  100% |")
