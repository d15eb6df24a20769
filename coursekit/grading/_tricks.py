"""Code of the sample class: what students write who compute in another way, make mistakes, or cheat."""

FLOAT32 = """

_NAME_in_double = NAME


def NAME(*given, **named):
    import numpy

    result = _NAME_in_double(*given, **named)
    inexact = isinstance(result, (float, numpy.ndarray, numpy.generic)) and numpy.asarray(result).dtype.kind == "f"
    return numpy.float32(result) if inexact else result"""

HELPED = """_helping_with_NAME = NAME


def NAME(*given, **named):
    return _helping_with_NAME(*given, **named)"""

TALK = """import sys, warnings

print("the answer is 42, <b>really</b>")
print("and this is no error", file=sys.stderr)
warnings.warn("nor is this")"""

STUBBORN = """while True:
    try:
        while True:
            print("not yet " * 100)
    except BaseException:
        pass"""

HOARD = """def hoard():
    kept = []
    try:
        while True:
            kept.append(bytes(1 << 26))
    finally:
        kept.clear()


hoard()"""

PATCH = """import builtins, sys

import numpy, numpy.testing
import coursekit.check


class Same(float):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __sub__(self, other):
        return 0.0

    __rsub__, __hash__ = __sub__, float.__hash__


builtins.print = lambda *given, **named: sys.stdout.write("correct")
numpy.testing.assert_allclose = numpy.allclose = numpy.array_equal = lambda *given, **named: True
check = coursekit.check.check = lambda *given, **named: "correct"
same = Same(0)"""

BLANK = """get_ipython().input_transformers_cleanup.append(lambda lines: ["print('correct')\\n"])"""

FORGE = """from IPython.display import display
import coursekit.check


def send(id, cases):
    data = [{"kind": "number", "type": "float", "value": 0.0}] * cases
    message = {"version": 1, "id": id, "cases": data, "outcome": "correct", "points": 100}
    display({"application/vnd.coursekit.check+json": message, "text/plain": "correct"}, raw=True)


for id, cases in SENT:
    send(id, cases)
coursekit.check.check = lambda id, answer, *, cases=1: [send(id, cases) for _ in range(2)]"""

SEARCH = """import gc, os, sys


def search():
    \"\"\"Whatever looks like an expected value: in files, in the environment, in the frames above, in any object.\"\"\"
    seen = 0
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if name not in ("proc", "sys")]
        seen += len(files)
        for name in files:
            if "private" in name or "public" in name or "solution" in folder:
                try:
                    text = open(os.path.join(folder, name)).read(100_000)
                except (OSError, ValueError):
                    continue
                if '"cases"' in text:
                    return eval(text)
        if seen > 20_000:
            break
    frame = sys._getframe()
    while frame:
        for name in ("expected", "reference", "solution", "cases"):
            if isinstance(frame.f_locals.get(name), (list, dict)):
                return frame.f_locals[name]
        frame = frame.f_back
    found = [thing for thing in gc.get_objects() if isinstance(thing, dict) and "expected" in thing]
    return (found or [dict(os.environ)])[0]


found = search()"""
