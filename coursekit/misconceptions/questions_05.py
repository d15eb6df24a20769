"""Of assignment 5, questions 1 to 3: wrong answers with their thoughts. The others: `questions_05_sums` and on."""

import re
from math import prod
from typing import Any

# ------------------------------------------------ question 1, entered: functions of what is given there


def _pattern_parameters(
    side: int, maps: int, blocks: int, *, bias: int = 1, flat: bool = False, twice: bool = True, pooled: bool = False
) -> int:
    depths = [3] + [maps] * ((2 if twice else 1) * blocks - 1)
    numbers = maps if pooled else maps * (side // 2**blocks) ** 2
    convolutions = sum(maps * (9 * (1 if flat else depth) + bias) for depth in depths)
    return convolutions + 64 * (numbers + bias) + 10 * (64 + bias)


def pooled_once(side: int, maps: int, blocks: int) -> list[int]:
    """This pools once; the outer star repeats the pooling as well."""
    return [maps, side // 2, side // 2]


def shrunk_by_kernels(side: int, maps: int, blocks: int) -> list[int]:
    """This lets each 3x3 kernel take two pixels; without /P a convolution keeps the size."""
    for _ in range(blocks):
        side = (side - 4) // 2
    return [maps, side, side]


def channels_last(side: int, maps: int, blocks: int) -> list[int]:
    """This puts the maps last; they stand in front."""
    return [side // 2**blocks, side // 2**blocks, maps]


def without_biases(side: int, maps: int, blocks: int) -> int:
    """This counts weights alone; each map and each output has a bias."""
    return _pattern_parameters(side, maps, blocks, bias=0)


def flat_kernels(side: int, maps: int, blocks: int) -> int:
    """This counts kernels of 3x3x1; a kernel is as deep as its input."""
    return _pattern_parameters(side, maps, blocks, flat=True)


def inner_star_once(side: int, maps: int, blocks: int) -> int:
    """This counts one convolution a block; the inner star says two."""
    return _pattern_parameters(side, maps, blocks, twice=False)


def flattened_to_maps(side: int, maps: int, blocks: int) -> int:
    """This gives the first fully connected layer one number a map; it gets all their pixels."""
    return _pattern_parameters(side, maps, blocks, pooled=True)


def always_the_same_depth(side: int, maps: int, blocks: int) -> int:
    """This lets the first convolution read as many maps as the others; it reads three colours."""
    return _pattern_parameters(side, maps, blocks) + 9 * maps * (maps - 3)


SIDE_BY_STRIDE = {"A", "B", "E", "F"}  # the stride divides the side
POOLS_ALWAYS_FIT = {"A", "C", "D", "F"}
PADDED_ONCE = {"A", "B", "D", "F"}  # the padding of one side alone

# ------------------------------------------------ question 2


def _unroll(pattern: str, repeat: Any, star: str = r"\*(\d+)") -> list[str]:
    while "[" in pattern:
        start = pattern.rindex("[")
        end = pattern.index("]", start)
        inside, rest = pattern[start + 1 : end], pattern[end + 1 :]
        times = re.match(star, rest)
        copies = repeat(int(times[1])) if times else 1
        pattern = pattern[:start] + " -> ".join([inside] * copies) + (rest[times.end() :] if times else rest)
    return [layer.strip() for layer in pattern.split("->") if layer.strip()]


def stars_ignored(pattern: str) -> list[str]:
    """This writes each group once, whatever number stands behind it."""
    return _unroll(pattern, lambda times: 1)


def one_digit_stars(pattern: str) -> list[str]:
    """This reads one digit behind a star; there may be more."""
    layers = _unroll(pattern, int, r"\*(\d)")
    return [re.sub(r"^\d+", "", layer).strip() for layer in layers if not layer.isdigit()]


def at_least_once(pattern: str) -> list[str]:
    """This keeps a group that is repeated 0 times; such a group falls away."""
    return _unroll(pattern, lambda times: max(times, 1))


def repeated_once_more(pattern: str) -> list[str]:
    """This takes the number for that of the copies beside the first; it is the number of all."""
    return _unroll(pattern, lambda times: times + 1)


def read_shapes(
    words: list[str],
    *,
    conv_padding: Any = None,
    pool_stride: int = 0,
    up: int = 0,
    square: bool = False,
    sides: int = 2,
    more: int = 1,
):
    """The shapes of question 2, with some things done otherwise."""
    shapes: list[tuple[int, ...]] = []
    for word in words:
        kind, *options = word.split("/")
        said = {option[0]: int(option[1:]) for option in options}
        if kind.startswith("INPUT"):
            shape = tuple(map(int, kind.removeprefix("INPUT ").split("x")))
        elif kind.startswith("FC"):
            shape = (int(kind.removeprefix("FC-")),)
        elif kind != "RELU":
            size, _, maps = kind[4:].partition("-")
            k, conv = int(size), kind.startswith("CONV")
            usual = (k // 2 if conv_padding is None else conv_padding) if conv else 0
            stride, padding = said.get("S", 1 if conv else pool_stride or k), said.get("P", usual)
            left = [n + sides * padding - k for n in shape[1:]]
            left = [left[0], left[0]] if square else left
            shape = (int(maps or shape[0]), *((n + up * (stride - 1)) // stride + more for n in left))
        shapes.append(shape)
    return shapes


def shapes_without_padding(words: list[str]) -> list[tuple[int, ...]]:
    """This takes no padding where none is written; without /P a convolution keeps the size."""
    return read_shapes(words, conv_padding=0)


def shapes_pooled_by_one(words: list[str]) -> list[tuple[int, ...]]:
    """This pools with stride 1 where none is written; windows lie side by side then."""
    return read_shapes(words, pool_stride=1)


def shapes_rounded_up(words: list[str]) -> list[tuple[int, ...]]:
    """This lets the last window hang over; what does not fit is dropped."""
    return read_shapes(words, up=1)


def shapes_square(words: list[str]) -> list[tuple[int, ...]]:
    """This takes height and width for the same number."""
    return read_shapes(words, square=True)


def shapes_padded_once(words: list[str]) -> list[tuple[int, ...]]:
    """This adds the padding of one side; there are two."""
    return read_shapes(words, sides=1)


def shapes_without_first_place(words: list[str]) -> list[tuple[int, ...]]:
    """This counts the steps of a window; its places are one more."""
    return read_shapes(words, more=0)


def shapes_by_first_options(words: list[str]) -> list[tuple[int, ...]]:
    """This reads one option behind each layer; there may be two."""
    return read_shapes(["/".join(word.split("/")[:2]) for word in words])


def shapes_of_one_list(words: list[str]) -> list[tuple[int, ...]]:
    """This appends the same list for every volume and goes on changing it; all become the last one."""
    shapes = read_shapes(words)
    last = [shape for shape in shapes if len(shape) == 3][-1]
    return [last if len(shape) == 3 else shape for shape in shapes]


# ------------------------------------------------ question 3

Rows = list[tuple[int, int, int]]


def count_costs(
    layers: list[tuple],
    shape: tuple[int, ...],
    *,
    grouped: bool = True,
    bias: int = 1,
    macs: str = "places",
    up: int = 0,
    flops: int = 1,
) -> Rows:
    """The costs of question 3, with some things done otherwise."""
    rows = []
    for kind, *numbers in layers:
        taps, outputs, came = 0, 0, shape
        if kind == "conv":
            outputs, kernel, stride, padding, groups = numbers
            taps = shape[0] // (groups if grouped else 1) * kernel**2
            over = up * (stride - 1)
            shape = (outputs, *((n + 2 * padding - kernel + over) // stride + 1 for n in shape[1:]))
        elif kind == "pool":
            over = up * (numbers[1] - 1)
            shape = (shape[0], *((n - numbers[0] + over) // numbers[1] + 1 for n in shape[1:]))
        else:
            taps, outputs = prod(shape), numbers[0]
            shape = (outputs,)
        places = {"places": shape[1:], "one": (), "input": came[1:] if kind == "conv" else (), "bias": shape[1:]}[macs]
        work = outputs * prod(places) * (taps + (macs == "bias"))
        rows.append((prod(shape), outputs * (taps + bias), flops * work))
    return rows


def costs_without_groups(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This lets each kernel read all channels; with groups it reads its own group alone."""
    return count_costs(layers, shape, grouped=False)


def costs_of_one_place(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This counts the multiply-adds of one place; a kernel works at every place."""
    return count_costs(layers, shape, macs="one")


def costs_at_input_size(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This counts a place for each pixel that comes in; the kernel works at the places of the output."""
    return count_costs(layers, shape, macs="input")


def costs_with_bias_macs(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This counts biases among the multiply-adds; a bias is added alone."""
    return count_costs(layers, shape, macs="bias")


def costs_without_biases(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This leaves the biases out of the parameters."""
    return count_costs(layers, shape, bias=0)


def costs_as_flops(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This counts a multiplication and an addition as two; together they are one MAC."""
    return count_costs(layers, shape, flops=2)


def costs_rounded_up(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This rounds sizes up; what does not fit is dropped."""
    return count_costs(layers, shape, up=1)


def costs_of_pooling(layers: list[tuple], shape: tuple[int, ...]) -> Rows:
    """This counts the numbers that a pooling compares as its work; it multiplies nothing."""
    rows = zip(layers, count_costs(layers, shape), strict=True)
    return [(n, p, n * layer[1] ** 2 if layer[0] == "pool" else macs) for layer, (n, p, macs) in rows]
