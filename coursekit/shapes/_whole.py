"""The one check of a length."""

from operator import index


def whole(name: str, value: int, least: int) -> int:
    """Return `value` as an int, or say by name what is wrong with it."""
    try:
        if isinstance(value, bool):  # Python counts True as 1; a length that is True is a slip
            raise TypeError
        value = index(value)
    except TypeError:
        raise TypeError(
            f"{name} is {value!r} ({type(value).__name__}): expected a whole number such as {max(least, 1)}. "
            "Use // where a division should give one."
        ) from None
    if value < least:
        raise ValueError(f"{name} is {value}: expected {least} or more.")
    return value
