"""Predict first: choices that are the outputs of named right and wrong implementations.

A wrong pick is then never just wrong. It is what some particular misunderstanding computes, and the answer says which.
"""

import string
from collections.abc import Callable

import numpy as np


class Prediction:
    """A question whose choices are computed. Printing it shows the choices, ``pick("B")`` answers.

    Parameters
    ----------
    right : callable
        Computes the right answer.
    wrong : sequence of callable
        Each computes the answer of one misunderstanding; the first line of its docstring names it.
    inputs : tuple
        What all of them are called with.
    seed : int
        Shuffles the choices, the same way each time.

    Raises
    ------
    ValueError
        If two choices come out equal, so that a pick would not tell which thought led to it.
    """

    def __init__(self, right: Callable, wrong: list[Callable], inputs: tuple, *, seed: int = 0):
        functions = [right, *wrong]
        order = np.random.default_rng(seed).permutation(len(functions))
        self._right = right
        self._functions = {string.ascii_uppercase[k]: functions[i] for k, i in enumerate(order)}
        self._outputs = {letter: np.asarray(f(*inputs)) for letter, f in self._functions.items()}
        shown = [str(output) for output in self._outputs.values()]
        if len(set(shown)) < len(shown):
            raise ValueError(
                "two choices come out equal with these inputs: choose inputs that tell the functions apart."
            )

    def __repr__(self) -> str:
        return "\n".join(
            f"{letter}:  {np.array2string(output, prefix='    ')}" for letter, output in self._outputs.items()
        )

    def pick(self, letter: str) -> None:
        """Say whether this choice is right and, if not, which thought leads to it.

        Parameters
        ----------
        letter : str
            One of the letters shown, in either case.

        Raises
        ------
        ValueError
            If there is no such choice.
        """
        letter = str(letter).strip().upper()
        if letter not in self._functions:
            raise ValueError(f"there is no choice {letter!r}: pick one of {', '.join(self._functions)}.")
        picked = self._functions[letter]
        verdict = "Right" if picked is self._right else "Not this one"
        print(f"{letter}. {verdict}: {first_line(picked)}")


def first_line(function: Callable) -> str:
    """The first line of a function's docstring, or its name where it has none."""
    return (function.__doc__ or function.__name__.replace("_", " ")).strip().splitlines()[0]
