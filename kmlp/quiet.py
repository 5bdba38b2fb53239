"""Importing what is loud."""

import importlib
import os
import sys


def import_quietly(module: str) -> None:
    """TensorFlow writes notes on CUDA and oneDNN to stderr as it loads; its errors still raise."""
    if module in sys.modules or sys.stderr is None:
        importlib.import_module(module)
        return
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        importlib.import_module(module)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
