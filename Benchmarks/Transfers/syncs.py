#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bringing several small files to the disk costs: one after the other, after all were told to begin, by threads.

Rests Docs/decisions/0009 on figures of this machine's disk: syncs.py [FOLDER]
"""
import ctypes
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time

SYNC_FILE_RANGE_WRITE = 2
libc = ctypes.CDLL(None)


def one_by_one(files):
    for file in files:
        os.fsync(file)


def begun_first(files):
    for file in files:
        libc.sync_file_range(file, ctypes.c_longlong(0), ctypes.c_longlong(0), SYNC_FILE_RANGE_WRITE)
    one_by_one(files)


def by_threads(files):
    threads = [threading.Thread(target=os.fsync, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


ways = [one_by_one, begun_first, by_threads]
with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
    for count in (4, 40):
        times = {way: [] for way in ways}
        for _ in range(12):
            for way in ways:
                os.mkdir(f"{folder}/files")
                files = [os.open(f"{folder}/files/{number}", os.O_CREAT | os.O_WRONLY) for number in range(count)]
                for file in files:
                    os.write(file, os.urandom(30_000))
                start = time.perf_counter()
                way(files)
                times[way].append((time.perf_counter() - start) * 1e3)
                for file in files:
                    os.close(file)
                shutil.rmtree(f"{folder}/files")
        print(f"{count} files of 30 KB, ms:",
              ", ".join(f"{way.__name__} {statistics.median(times[way]):.1f}" for way in ways))
