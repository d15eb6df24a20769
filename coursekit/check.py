"""What runs in a learner's kernel: a check calls the answer with inputs drawn from a seed.

In grading it then sends out what came back, and that is all: it has nothing at hand to tell right from wrong.
Elsewhere it compares with the public values beside the notebook and says what it finds.

    check("02.q3", lambda rng: conv2d(rng.normal(size=(6, 7)), rng.normal(size=(3, 3))), cases=5)

A check of a trained network gives it digits that it has not seen, and gets labels back; what is right is not told here.

    check("04.q9", lambda images: classify(images), images=1000)

A drill inside a chapter draws its own inputs and takes the learner's function as it is.

    check("c02.corner", uses_of_the_corner)
"""

import base64
import hashlib
import os
import re
import sys
import zlib
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from coursekit._encode import Room, encode, encode_error

__all__ = ["CheckFailed", "CheckUnavailable", "check", "encode", "generator", "hint", "solution"]

MESSAGE = "application/vnd.coursekit.check+json"
MAX_CASES = 1000
MAX_IMAGES = 5000


def _start_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been deleted meanwhile
        return os.path.expanduser("~")


# as the kernel was started: whatever the notebook does to them later is its own affair
_SENDS = os.environ.get("COURSEKIT_CHECK_MODE") == "send"
_SEED = os.environ.get("COURSEKIT_CHECK_SEED", "")
_START = _start_folder()


class _OneLine(Exception):
    """An exception that a notebook shows without its traceback: the learner's code is not where it comes from."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"{type(self).__name__}: {self}"]


class CheckFailed(_OneLine):
    """The answer is not right yet, or not attempted; what is to be said about it has been printed."""


class CheckUnavailable(_OneLine, RuntimeError):
    """The answer cannot be checked here; the message says what to do."""


def check(id: str, answer: Any, *, cases: int = 1, images: int = 0) -> None:
    """Check an answer: in grading send it out, elsewhere say whether it is right.

    Parameters
    ----------
    id : str
        The check's name, such as "02.q3", or "c02.corner" for a drill of chapter 2.
    answer : callable or value
        A function of a `numpy.random.Generator`, called once a case; or, with one case, the value itself. For a drill
        the function that it asks for.
    cases : int
        How often to draw inputs and call the answer.
    images : int
        If not 0, the answer is called once, with so many digits of shape (images, 28, 28), uint8, in place of the
        generator. It returns their labels, or scores of shape (images, 10).

    Raises
    ------
    CheckFailed
        If the answer is wrong or not attempted, and nobody is there to read about it (nbval, a script). In a live
        session it is only said. COURSEKIT_CHECK=raise or display in the environment decides otherwise.
    CheckUnavailable
        If the public values are not found.
    TypeError, ValueError
        If the check itself is written wrongly.
    """
    id, cases, images = _name(id), _whole("cases", cases, 1, MAX_CASES), _whole("images", images, 0, MAX_IMAGES)
    if images and (cases > 1 or (not callable(answer) and answer is not None and answer is not ...)):
        raise TypeError(f'check "{id}": with images, pass a function that labels them, and no cases.')
    if cases > 1 and not callable(answer) and answer is not None and answer is not ...:
        raise TypeError(
            f'check "{id}": a value is the same in every case. Drop cases={cases}, or pass a function of the '
            'generator: check("01.q1", lambda rng: conv1d(rng.normal(size=9)), cases=5).'
        )
    if _SENDS:
        digits = _given.pop(id, None)
        if images and digits is None:
            raise CheckUnavailable(f"{id} cannot be checked: the grader has given no images.")
        _send(id, answers(id, answer, cases, _grading_seed(), digits)[0])
        return
    from coursekit import practice  # compares and tells, which grading must not be able to

    outcome = practice.check(id, answer, cases, _START, images)
    is_drill = id.startswith("c")  # an exercise on the way: a chapter that is only executed goes on
    if outcome and not _is_live() and not (is_drill and not os.environ.get("COURSEKIT_CHECK")):
        raise CheckFailed(f"{id} {outcome}")


def hint(id: str) -> None:
    """Print the next hint of a check.

    Parameters
    ----------
    id : str
        The check's name, such as "02.q3".

    Raises
    ------
    CheckUnavailable
        If the public values are not found.
    """
    id = _name(id)
    if not _SENDS:
        from coursekit import practice

        practice.hint(id, _START)


def solution(id: str) -> None:
    """Print the solution of a check, after two honest tries.

    Parameters
    ----------
    id : str
        The check's name, such as "02.q3".

    Raises
    ------
    CheckUnavailable
        If the public values are not found.
    """
    id = _name(id)
    if not _SENDS:
        from coursekit import practice

        practice.solution(id, _START)


_given: dict[str, np.ndarray] = {}


def give(id: str, packed: str) -> None:
    """Keep the images for a check. The grader calls it, in the check's own cell.

    Parameters
    ----------
    id : str
        The check's name.
    packed : str
        Their bytes, compressed by zlib and written in base 85.
    """
    pixels = np.frombuffer(zlib.decompress(base64.b85decode(packed)), np.uint8)
    _given[id] = pixels.reshape(-1, 28, 28).copy()


def generator(seed: int, id: str, case: int) -> np.random.Generator:
    """Draw the inputs of a case from here: the same for the same seed, check and case (counted from 0)."""
    name = int.from_bytes(hashlib.sha256(id.encode()).digest()[:4], "big")
    return np.random.default_rng([seed, name, case])


def answers(
    id: str, answer: Any, cases: int, seed: int, images: np.ndarray | None = None
) -> tuple[list[dict], list[str]]:
    """Call the answer once a case; whatever it returns or raises becomes plain data.

    It is called with the images, or where there are none with the generator of the case.

    Returns
    -------
    list of dict
        What `encode` makes of each case.
    list of str
        For each case where in the notebook it raised, if it did.
    """
    room = Room()
    encoded, places = [], []
    for case in range(cases):
        place = ""
        try:
            given = generator(seed, id, case) if images is None else images
            came = encode(answer(given) if callable(answer) else answer, room)
        except KeyboardInterrupt:  # the grader's time limit, or the learner
            raise
        except BaseException as error:
            came, place = encode_error(error), _place(error)
        encoded.append(came)
        places.append(place)
    return encoded, places


def _place(error: BaseException) -> str:
    """Where in the notebook's own code an error was raised last."""
    found, trace = "", error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name not in ("<lambda>", "<module>"):
            found = f"in {frame.f_code.co_name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _send(id: str, cases: list[dict]) -> None:
    from IPython.display import display

    data = {MESSAGE: {"version": 1, "id": id, "cases": cases}, "text/plain": "answer sent"}
    display(data, raw=True)


def _grading_seed() -> int:
    if not re.fullmatch(r"[0-9]{1,40}", _SEED):
        raise ValueError(f"COURSEKIT_CHECK_SEED is {_SEED!r}: expected a whole number such as 20261.")
    return int(_SEED)


def _is_live() -> bool:
    """Whether somebody sits before the notebook: then the cell's request allows to ask for input."""
    wanted = os.environ.get("COURSEKIT_CHECK", "")
    if wanted:
        if wanted not in ("raise", "display"):
            raise ValueError(f'COURSEKIT_CHECK is {wanted!r}: expected "raise" or "display".')
        return wanted == "display"
    get_ipython: Callable = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    shell = get_ipython()
    if shell is None:
        return False
    kernel = getattr(shell, "kernel", None)
    if kernel is None:  # IPython in a terminal
        return sys.stdin is not None and sys.stdin.isatty()
    try:
        return kernel.get_parent("shell")["content"].get("allow_stdin") is True
    except (AttributeError, LookupError, TypeError):  # a kernel other than ipykernel
        return False


def _name(id: str) -> str:
    if not isinstance(id, str):
        raise TypeError(f'the id of a check is {id!r} ({type(id).__name__}): expected text such as "02.q3".')
    if not re.fullmatch(r"c?[0-9]{2}\.[A-Za-z0-9_][A-Za-z0-9_.-]*", id):
        raise ValueError(f'the id of a check is {id!r}: expected the number and a name, such as "02.q3".')
    return id


def _whole(name: str, value: int, least: int, most: int) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        value = index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r} ({type(value).__name__}): expected a whole number such as 5.") from None
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}: expected {least} to {most}.")
    return value
