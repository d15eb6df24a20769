"""Convolution maths pictures: the sliding overlap, the matrix of a kernel, what filters do to waves."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import viz
from coursekit.nn import conv_forward

RNG = np.random.default_rng(0)


def box(t):
    return np.where((t >= 0) & (t < 1), 1.0, 0.0)


def leak(t):
    return np.where(t >= 0, np.exp(-np.abs(t)), 0.0)


def results(figures):
    """The last result that each frame of a film of lists has drawn."""
    return [float(figure.axes[1].lines[0].get_ydata()[-1]) for figure in figures]


# The film


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 1), (1, 4), (6, 3), (2, 7)])
def test_lists_slide_as_numpy_convolves(n, k):
    f, g = RNG.normal(size=n), RNG.normal(size=k)
    figures, captions = viz.overlap_film(f, g)
    assert np.allclose(results(figures), np.convolve(f, g))
    assert len(captions) == n + k - 1


def test_functions_slide_as_the_integral_says():
    figures, captions = viz.overlap_film(box, leak, np.linspace(-0.5, 3.5, 9))
    t, drawn = (np.asarray(values) for values in figures[-1].axes[1].lines[0].get_data())
    water = np.where(t < 0, 0, np.where(t < 1, 1 - np.exp(-t), (np.e - 1) * np.exp(-t)))
    assert np.abs(drawn - water).max() < 0.02
    assert captions[3] == f"t = 1.00: overlap {1 - np.exp(-1):.2f}"


def test_the_turned_kernel_lies_over_the_signal():
    figure = viz.overlap_film([5, 6, 7], [1, 2], times=[1])[0][0]
    signal, turned = figure.axes[0].lines[:2]
    assert dict(zip(np.round(signal.get_xdata()), signal.get_ydata(), strict=True)) == {0: 5, 1: 6, 2: 7}
    assert dict(zip(np.round(turned.get_xdata()), turned.get_ydata(), strict=True)) == {0: 2, 1: 1}  # turned, at 1
    products = [bar.get_height() for bar in figure.axes[0].patches]
    assert sorted(products)[-2:] == [6, 10]


def test_the_scales_stand_still():
    figures, _ = viz.overlap_film([1, -2, 3], [2, 1])
    for panel in (0, 1):
        assert len({(f.axes[panel].get_xlim(), f.axes[panel].get_ylim()) for f in figures}) == 1


def test_the_film_opens_at_the_largest_overlap(monkeypatch):
    shown = []
    monkeypatch.setattr("coursekit.viz.player.show_html", lambda page, alt: shown.append((page, alt)))
    viz.show_overlap([1, 2, 3], [1, 1])
    page, alt = shown.pop()
    assert 'value="2"' in page
    assert "t = 2: 2·1 + 3·1 = 5</p>" in page
    assert "1, 3, 5, 3" in alt


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: viz.overlap_film(box, [1]), TypeError, "f is a function and g is a list"),
        (lambda: viz.overlap_film([1], []), ValueError, r"g \(0,\)"),
        (lambda: viz.overlap_film([[1]], [1]), ValueError, r"f has shape \(1, 1\)"),
        (lambda: viz.overlap_film(range(40), [1]), ValueError, "at most 40"),
        (lambda: viz.overlap_film([1], [1], times=[]), ValueError, "times is empty"),
        (lambda: viz.overlap_film(box, box, times=[]), ValueError, "times is empty"),
        (lambda: viz.overlap_film(lambda t: 1.0, box), ValueError, r"f turned an array of shape \(600,\) into \(\)"),
        (lambda: viz.overlap_film(box, box, window=(1, 1)), ValueError, r"window is \(1, 1\)"),
        (lambda: viz.toeplitz_matrix(np.ones((1, 1, 1)), (3, 3, 3)), ValueError, r"kernel has shape \(1, 1, 1\)"),
        (lambda: viz.toeplitz_matrix([1, 2], (3, 3)), ValueError, r"kernel has shape \(2,\) and the input \(3, 3\)"),
        (lambda: viz.toeplitz_matrix([1, 2, 3], 2), ValueError, "kernel"),
        (lambda: viz.toeplitz_figure([1, 2], 500), ValueError, "up to 400 a side"),
        (lambda: viz.frequency_response([[[1]]]), ValueError, r"kernel has shape \(1, 1, 1\)"),
        (lambda: viz.frequency_response([1], size=4), ValueError, "size is 4"),
        (lambda: viz.spectrum(np.ones((4, 4, 3))), ValueError, r"picture has shape \(4, 4, 3\)"),
        (lambda: viz.frequency_figure({}), ValueError, "kernels have no axes"),
        (lambda: viz.frequency_figure({"a": [1], "b": [[1]]}), ValueError, r"kernels have \[1, 2\] axes"),
        (lambda: viz.frequency_figure({"a": [1]}, np.eye(4)), ValueError, "picture needs kernels with two axes"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


# The matrix


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("kernel", "shape"), [((1,), (7,)), ((3,), (7,)), ((3, 2), (6, 8)), ((1, 3), (3, 3))])
def test_the_matrix_multiplies_as_the_kernel_slides(kernel, shape, stride, padding):
    w, x = RNG.normal(size=kernel), RNG.normal(size=shape)
    if any((n + 2 * padding - k) % stride for n, k in zip(shape, kernel, strict=True)):
        shape = tuple(n + (k - n - 2 * padding) % stride for n, k in zip(shape, kernel, strict=True))
        x = RNG.normal(size=shape)
    y, _ = conv_forward(x[None, None], w[None, None], stride=stride, padding=padding)
    matrix = viz.toeplitz_matrix(w, shape, stride=stride, padding=padding)
    assert matrix.shape == (y.size, x.size)
    assert np.allclose(matrix @ x.ravel(), y.ravel())


def test_a_matrix_of_stride_1_has_one_number_on_each_diagonal():
    matrix = viz.toeplitz_matrix([4, 5, 6], 9, padding=1)
    for k in range(1 - len(matrix), matrix.shape[1]):
        assert np.ptp(np.diag(matrix, k)) == 0


def test_numbers_stand_at_their_entries_and_bars_between_rows_of_the_picture():
    panel = viz.toeplitz_figure([[1, -2], [3, 4]], (3, 4)).axes[0]
    matrix = viz.toeplitz_matrix([[1, -2], [3, 4]], (3, 4))
    written = {text.get_position(): text.get_text().replace("−", "-") for text in panel.texts}
    assert written == {(j, i): f"{v:g}" for (i, j), v in np.ndenumerate(matrix) if v}
    strong = [line.get_xdata()[0] for line in panel.lines if line.get_color() == "#666666"]
    assert strong == [3.5, 7.5]


# Waves


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_gain_is_what_a_wave_comes_out_with(length):
    kernel = RNG.normal(size=length)
    frequencies, gain = viz.frequency_response(kernel, 21)
    for frequency, expected in zip(frequencies, gain, strict=True):
        wave = np.exp(2j * np.pi * frequency * np.arange(40))
        assert np.allclose(np.abs(np.convolve(wave, kernel, mode="valid")), expected)


def test_gain_of_a_picture_s_kernel_is_that_of_the_transform():
    kernel = RNG.normal(size=(3, 5))
    frequencies, gain = viz.frequency_response(kernel, 9)
    theirs = np.abs(np.fft.fftshift(np.fft.fft2(kernel, (8, 8))))
    assert np.allclose(gain[:-1, :-1], theirs)
    assert np.allclose(frequencies[:-1], np.fft.fftshift(np.fft.fftfreq(8)))


@pytest.mark.parametrize("shape", [(16, 16), (15, 24), (9, 9)])
def test_spectrum_peaks_where_the_wave_is(shape):
    down, across = 2 / shape[0], 3 / shape[1]
    rows, columns = np.indices(shape)
    strength = viz.spectrum(np.cos(2 * np.pi * (down * rows + across * columns)))
    middle = np.array([side // 2 for side in shape])
    peaks = {tuple(place) for place in np.argwhere(strength > 0.999) - middle}
    assert peaks == {(2, 3), (-2, -3)}


def test_a_constant_picture_has_no_waves():
    assert not viz.spectrum(np.full((5, 6), 0.7)).any()  # whose mean is not 0.7 to the last digit


def test_blurred_and_edged_pictures_have_the_colours_of_their_kind():
    kernels = {"blur": np.full((3, 3), 1 / 9), "edges": np.array([[-1, 0, 1]] * 3)}
    panels = {panel.get_title(): panel for panel in viz.frequency_figure(kernels, np.eye(16)).axes}
    assert panels["blur"].images[0].get_cmap().name == "gray"
    assert panels["edges"].images[0].get_cmap().name == "PuOr_r"
    gain = panels["gain of edges\nup to 6"].images[0].get_array()
    assert gain.max() == 1
    assert np.allclose(gain[:, 64], 0)  # no wave that runs up and down gets through


def test_the_words_carry_the_gains(capsys):
    viz.show_frequencies({"blur": np.full((3, 3), 1 / 9), "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]}, np.eye(9))
    said = capsys.readouterr().out
    assert "blur 1 and 0.111, sharpen 1 and 9." in said
    assert "chessboard" in said
