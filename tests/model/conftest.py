"""The server of the model test: the clients' tests know how to start one."""

import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "clients")]
