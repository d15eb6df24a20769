"""Of assignment 5, the sums to enter in question 3: wrong ones with their thoughts."""


def _vgg_numbers(side: int, third: int = 3) -> int:
    numbers = 3 * side**2 + 9192
    for k, (maps, layers) in enumerate(((64, 2), (128, 2), (256, third), (512, 3), (512, 3))):
        numbers += maps * layers * (side // 2**k) ** 2 + maps * (side // 2 ** (k + 1)) ** 2
    return numbers


def vgg_one_row_short(side: int) -> int:
    """This leaves out one convolution of 256 maps, as a well-known slide does."""
    return _vgg_numbers(side, third=2)


def vgg_as_at_224(side: int) -> int:
    """This takes the sum for 224 pixels."""
    return _vgg_numbers(224)


def vgg_scaled(side: int) -> int:
    """This scales everything with the picture; the three vectors at the end stay as long as they are."""
    return round(_vgg_numbers(224) * (side / 224) ** 2)


def vgg_without_input(side: int) -> int:
    """This leaves out the picture itself; it is kept, too."""
    return _vgg_numbers(side) - 3 * side**2


def vgg_without_vectors(side: int) -> int:
    """This leaves out what the three fully connected layers give."""
    return _vgg_numbers(side) - 9192


def vgg_in_mb(side: int) -> float:
    """This divides by a million, which gives MB."""
    return 4 * _vgg_numbers(side) / 1e6


def vgg_with_gradients(side: int) -> float:
    """This counts the gradients along; they are there in training alone."""
    return 8 * _vgg_numbers(side) / 2**20


def vgg_in_bytes(side: int) -> float:
    """This takes one byte for each number; a float32 has four."""
    return _vgg_numbers(side) / 2**20


def rule_as_usual(factor: float) -> list[float]:
    """This is the rule with twice the channels."""
    return [1, 4, 0.5]


def channels_count_once(factor: float) -> list[float]:
    """This lets the weights grow by the factor; channels in and out both grow."""
    return [factor / 4, factor, factor / 4]


def every_place_kept(factor: float) -> list[float]:
    """This forgets that halved sides leave a quarter of the places."""
    return [factor**2, factor**2, factor]


def halved_in_one_direction(factor: float) -> list[float]:
    """This halves the number of places; both sides are halved, so a quarter is left."""
    return [factor**2 / 2, factor**2, factor / 2]
