"""Assembled notebooks for tests, and a sandbox to run them in where there can be one."""

import functools
import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from coursekit.grading import sandbox as room
from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable

SEND = """
import os, sys, time
import numpy as np
from IPython.display import display

def send(value):
    display({"application/vnd.coursekit.check+json": {"value": value}, "text/plain": "answer sent"}, raw=True)

def attempt(action):
    try:
        return repr(action())
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
"""
SHORT = Limits(cell=2, total=60, grace=1)
BARE = Sandbox(modules=())


def given(source: str):
    return new_code_cell(source)


def answer(source: str):
    return new_code_cell(source, metadata={"nbgrader": {"schema_version": 3, "grade": False, "solution": True}})


def check(source: str):
    return new_code_cell(source, metadata={"nbgrader": {"schema_version": 3, "grade": True, "solution": False}})


def notebook(*cells) -> nbformat.NotebookNode:
    return new_notebook(cells=[given(SEND), *cells])


def values(run) -> list:
    """What a check cell has sent."""
    return [message["value"] for message in run.messages]


@functools.cache
def why_no_sandbox() -> str:
    try:
        options = [room.find_bwrap(), *room.isolation(), "--ro-bind", "/", "/", "--", "/bin/true"]
    except SandboxUnavailable as error:
        return str(error)
    result = subprocess.run(options, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else f"{result.stderr.strip()}: {room.why_not()}"


needs_sandbox = pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox() or "-")
