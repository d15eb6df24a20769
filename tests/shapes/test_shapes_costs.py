"""Same padding, transposed sizes, receptive fields and costs: against published numbers and PyTorch."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coursekit.shapes import (
    Field,
    activation_bytes,
    binary_size,
    conv_macs,
    conv_parameters,
    fc_macs,
    fc_parameters,
    im2col_shape,
    output_size,
    pool_operations,
    receptive_field,
    same_padding,
    same_padding_sides,
    transposed_macs,
    transposed_size,
    unshared_parameters,
    window_counts,
)

small = st.integers(1, 7)


@settings(deadline=None)
@given(size=st.integers(1, 40), kernel=small, dilation=st.integers(1, 4))
def test_same_padding_keeps_the_size(size, kernel, dilation):
    extent = dilation * (kernel - 1) + 1
    if extent % 2 == 0:
        with pytest.raises(ValueError, match=f"covers {extent} pixels, an even number.*Use an odd kernel, or pad"):
            same_padding(kernel, dilation)
    else:
        assert output_size(size, kernel, padding=same_padding(kernel, dilation), dilation=dilation) == size


@settings(deadline=None)
@given(size=st.integers(1, 60), kernel=small, dilation=st.integers(1, 3), stride=st.integers(1, 5))
def test_padding_of_both_sides_gives_a_place_per_stride(size, kernel, dilation, stride):
    before, after = same_padding_sides(kernel, dilation, stride=stride, size=size)
    assert after - before in (0, 1)
    padded = size + before + after
    wanted = -(-size // stride)
    assert output_size(padded, kernel, stride, dilation=dilation, mode="floor") == wanted
    if before + after and stride <= dilation * (kernel - 1) + 1:  # and one zero fewer would not do
        extent = dilation * (kernel - 1) + 1
        assert padded - 1 < extent or output_size(padded - 1, kernel, stride, 0, dilation, mode="floor") < wanted


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(deadline=None, max_examples=30)
@given(size=st.integers(5, 20), kernel=small, dilation=st.integers(1, 2))
def test_sides_are_those_of_pytorch(size, kernel, dilation):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    x = torch.empty(1, 1, size, device="meta")
    module = torch.nn.Conv1d(1, 1, kernel, padding="same", dilation=dilation, device="meta")
    assert module(x).shape == x.shape
    before, after = same_padding_sides(kernel, dilation)
    # one tap at the first or last place of the kernel shows how far the window reaches to either side
    line = torch.arange(1.0, 1.0 + size)[None, None]
    ends = torch.zeros(2, 1, kernel)
    ends[0, 0, 0] = ends[1, 0, -1] = 1.0
    y = torch.nn.functional.conv1d(line, ends, padding="same", dilation=dilation)[0]
    assert int((y[0] == 0).sum()) == min(before, size)
    assert int((y[1] == 0).sum()) == min(after, size)


def test_sides_need_the_size_above_stride_one():
    with pytest.raises(ValueError, match="stride is 2 and size is None"):
        same_padding_sides(3, stride=2)


lengths = dict(
    size=st.integers(1, 12),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 2),
)


@settings(deadline=None, max_examples=40)
@given(**lengths, extra=st.integers(0, 3))
def test_transposed_sizes_agree_with_pytorch(size, kernel, stride, padding, dilation, extra):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    arguments = (size, kernel, stride, padding, extra, dilation)
    wanted = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + extra
    if extra >= stride or wanted < 1:
        with pytest.raises(ValueError, match=r"output_padding is|leave an output of"):
            transposed_size(*arguments)
    else:
        x, w = torch.empty(1, 1, size, device="meta"), torch.empty(1, 1, kernel, device="meta")
        y = torch.nn.functional.conv_transpose1d(x, w, None, stride, padding, extra, dilation=dilation)
        assert transposed_size(*arguments) == y.shape[-1]


@settings(deadline=None)
@given(**lengths)
def test_a_transposed_convolution_leads_back(size, kernel, stride, padding, dilation):
    assume(size + 2 * padding >= dilation * (kernel - 1) + 1)
    places = output_size(size, kernel, stride, padding, dilation, mode="floor")
    rest = (size + 2 * padding - dilation * (kernel - 1) - 1) % stride
    assert transposed_size(places, kernel, stride, padding, rest, dilation) == size


def test_receptive_fields_of_stacked_small_kernels():
    assert [field.size for field in receptive_field([(3,), (3,), (3,)])] == [3, 5, 7]
    assert [field.size**2 for field in [Field(), *receptive_field([(3,), (3,), (3,)])]] == [1, 9, 25, 49]


def test_receptive_field_in_full():
    # AlexNet down to its last pooling: 195 pixels, neighbours 32 apart
    stack = [(11, 4), (3, 2), (5, 1, 1, 2), (3, 2), (3, 1, 1, 1), (3, 1, 1, 1), (3, 1, 1, 1), (3, 2)]
    assert receptive_field(stack)[-1] == (195, 32, -64)
    assert receptive_field([(3, 1, 2), (3, 1, 4)]) == [(5, 1, 0), (13, 1, 0)]  # dilation
    assert receptive_field([]) == []


layers = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=40)
@given(layers=layers, padded=st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_receptive_field_is_where_the_gradient_is(layers, padded):
    """Kernels of ones: the pixels that a number depends on lie between both ends of its field."""
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    stack = [(*layer, pad) for layer, pad in zip(layers, padded, strict=False)]
    field = receptive_field(stack)[-1]
    x = torch.ones(1, 1, 3 * field.size + 60, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride, dilation, padding in stack:
        y = torch.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), None, stride, padding, dilation)
    place = -(field.start // field.jump)  # the first whose field lies within the picture
    (gradient,) = torch.autograd.grad(y[0, 0, place], x)
    seen = gradient[0, 0].nonzero().flatten()
    first = field.start + place * field.jump
    assert seen[0] == first
    assert seen[-1] == first + field.size - 1


@pytest.mark.parametrize("layer", [(), (3, 1, 1, 0, 0), 3, "33"])
def test_what_is_no_layer(layer):
    with pytest.raises(ValueError, match=r"a layer is .*: expected \(kernel, stride, dilation, padding\)"):
        receptive_field([layer])


def test_published_layers():
    assert output_size(227, 11, stride=4) ** 2 * 96 == 290_400  # AlexNet's first layer, of which 253,440 is a misprint
    assert 55 * 48 * 96 == 253_440
    assert conv_parameters(3, 96, 11, bias=False) == 34_848
    assert conv_parameters(3, 96, 11) == 34_944
    assert unshared_parameters(3, 96, 11, 55) == 290_400 * 364 == 105_705_600
    assert conv_parameters(3, 1, 5, bias=False) == 75
    assert conv_parameters(20, 1, 3, bias=False) == 180
    assert conv_parameters(256, 64, 1, bias=False) == 16_384
    assert conv_parameters(3, 64, 11) == 23_296
    assert conv_macs(3, 64, 11, output_size(227, 11, 4, 2)) == 72_855_552
    assert pool_operations(64, 3, output_size(56, 3, 2, mode="floor")) == 419_904
    assert fc_parameters(512 * 7 * 7, 4096, bias=False) == fc_macs(512 * 7 * 7, 4096) == 102_760_448
    assert fc_parameters(1024, 1000) == 1_025_000


def test_inception_branch_of_5x5_kernels():
    assert conv_macs(192, 32, 5, 28) == 120_422_400
    assert conv_macs(192, 16, 1, 28) + conv_macs(16, 32, 5, 28) == 12_443_648


def test_googlenet_stem():
    macs = [conv_macs(3, 64, 7, 112), conv_macs(64, 64, 1, 56), conv_macs(64, 192, 3, 56)]
    assert [round(m / 1e6, 1) for m in macs] == [118.0, 12.8, 346.8]
    assert sum(macs) == 477_675_520
    assert conv_parameters(3, 64, 7, bias=False) == 9_408
    assert sum(conv_parameters(*layer) for layer in ((3, 64, 7), (64, 64, 1), (64, 192, 3))) == 124_416
    outputs = [(64, 112, 112), (64, 56, 56), (64, 56, 56), (192, 56, 56), (192, 28, 28)]
    assert binary_size(sum(map(activation_bytes, outputs))) == "7.46 MiB"


def test_blocks_of_residual_networks():
    assert 2 * conv_parameters(64, 64, 3, bias=False) == 73_728
    narrow = [conv_parameters(256, 64, 1, bias=False), conv_parameters(64, 64, 3, bias=False)]
    assert sum(narrow) + conv_parameters(64, 256, 1, bias=False) == 69_632
    assert 2 * conv_parameters(256, 256, 3, bias=False) == 1_179_648


@pytest.mark.parametrize("channels", [1, 64, 100])
def test_small_kernels_are_cheaper(channels):
    assert 3 * conv_parameters(channels, channels, 3, bias=False) == 27 * channels**2
    assert conv_parameters(channels, channels, 7, bias=False) == 49 * channels**2
    assert 2 * conv_parameters(channels, channels, 3, bias=False) == 18 * channels**2
    assert conv_parameters(channels, channels, 5, bias=False) == 25 * channels**2


def test_the_matrix_of_im2col():
    rows, columns = im2col_shape(3, 11, 55)
    assert (rows, columns) == (363, 3025)
    assert rows * columns == 1_098_075
    pixels = 227 * 227 * 3
    assert (pixels, round(rows * columns / pixels, 1)) == (154_587, 7.1)
    assert binary_size(activation_bytes((rows, columns))) == "4.19 MiB"


def test_how_often_a_pixel_is_seen():
    assert window_counts(5, 3)[0] ** 2 == 1
    assert window_counts(5, 3, padding=1)[0] ** 2 == 4
    assert window_counts(5, 3, padding=1)[2] ** 2 == 9
    assert window_counts(7, 2, stride=3, mode="floor") == [1, 1, 0, 1, 1, 0, 0]


@settings(deadline=None)
@given(**lengths)
def test_windows_seen_add_up(size, kernel, stride, padding, dilation):
    assume(size + 2 * padding >= dilation * (kernel - 1) + 1)
    taps = np.zeros(size + 2 * padding + stride * size, dtype=int)
    for place in range(output_size(size, kernel, stride, padding, dilation, mode="floor")):
        taps[place * stride : place * stride + dilation * (kernel - 1) + 1 : dilation] += 1
    counts = window_counts(size, kernel, stride, padding, dilation, mode="floor")
    assert counts == taps[padding : padding + size].tolist()


@settings(deadline=None, max_examples=25)
@given(
    part=st.integers(1, 3), filters=st.integers(1, 3), groups=st.integers(1, 3), kernel=st.tuples(small, small),
    bias=st.booleans(),
)  # fmt: skip
def test_parameters_are_those_of_pytorch(part, filters, groups, kernel, bias):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    sizes = (part * groups, filters * groups, kernel)
    for kind in (torch.nn.Conv2d, torch.nn.ConvTranspose2d):
        module = kind(*sizes, groups=groups, bias=bias, device="meta")
        assert conv_parameters(*sizes, groups=groups, bias=bias) == sum(p.numel() for p in module.parameters())


@settings(deadline=None, max_examples=15)
@given(groups=st.integers(1, 3), kernel=st.tuples(small, small), size=st.tuples(st.integers(7, 9), st.integers(7, 9)))
def test_macs_are_those_of_pytorch(groups, kernel, size):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    from torch.utils.flop_counter import FlopCounterMode

    x = torch.empty(1, 2 * groups, *size, device="meta")
    sizes = (2 * groups, 3 * groups, kernel)
    for kind, macs in ((torch.nn.Conv2d, conv_macs), (torch.nn.ConvTranspose2d, transposed_macs)):
        module = kind(*sizes, groups=groups, device="meta")
        with FlopCounterMode(display=False) as counter:
            y = module(x)
        places = y.shape[2:] if macs is conv_macs else size
        assert 2 * macs(*sizes, tuple(places), groups=groups) == counter.get_total_flops()


def test_sizes_in_words():
    assert [binary_size(n) for n in (0, 1023, 1024, 3 * 2**30, 2**52)] == [
        "0 B", "1023 B", "1.00 KiB", "3.00 GiB", "4096.00 TiB"]  # fmt: skip
    assert binary_size(activation_bytes((64, 56, 56))) == "784.00 KiB"
    three = 3 * activation_bytes((64, 224, 224))
    assert three // 4 == 9_633_792
    assert binary_size(three) == "36.75 MiB"
    assert binary_size(2 * three) == "73.50 MiB"
    assert activation_bytes((3, 2), itemsize=2) == 12


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: conv_parameters(3, 4, 2.5), TypeError, "kernel is 2.5 .float.: expected a whole number"),
        (lambda: conv_parameters(0, 4, 2), ValueError, "channels is 0: expected 1 or more"),
        (
            lambda: conv_parameters(3, 4, 3, groups=2),
            ValueError,
            "groups is 2: expected a number that divides channels",
        ),
        (lambda: conv_macs(3, 4, (3, 3, 3), 5), ValueError, "kernel has 3 axes and output has 2"),
        (lambda: conv_macs(3, 4, (), 5), ValueError, r"kernel is \(\): expected"),
        (lambda: conv_macs(3, 4, "33", 5), ValueError, "kernel is '33': expected"),
        (lambda: fc_macs(3, True), TypeError, "outputs is True"),
        (lambda: binary_size(-1), ValueError, "count is -1"),
        (lambda: activation_bytes((3, -1)), ValueError, "a length of shape is -1"),
    ],
)
def test_bad_counts(call, error, message):
    with pytest.raises(error, match=message):
        call()
