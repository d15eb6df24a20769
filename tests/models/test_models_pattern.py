"""The layer-pattern language: reading, writing, its errors, its table and its torch module."""

import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coursekit.models import Pattern, PatternError, parse, table
from coursekit.models.pattern_table import pattern_steps

VGG16 = (
    "INPUT 3x224x224 -> [CONV3-64 -> RELU]*2 -> POOL2 -> [CONV3-128 -> RELU]*2 -> POOL2 -> [CONV3-256 -> RELU]*3"
    " -> POOL2 -> [[CONV3-512 -> RELU]*3 -> POOL2]*2 -> [FC-4096 -> RELU -> DROPOUT]*2 -> FC-1000 -> SOFTMAX"
)
VGG19 = VGG16.replace("]*3", "]*4")
ALEXNET = (
    "INPUT 3x227x227 -> CONV11-96/S4/P0 -> RELU -> LRN -> POOL3/S2 -> CONV5-256/G2 -> RELU -> LRN -> POOL3/S2 -> "
    "CONV3-384 -> RELU -> [CONV3-384/G2 -> RELU] -> CONV3-256/G2 -> RELU -> POOL3/S2 -> "
    "[FC-4096 -> RELU -> DROPOUT]*2 -> FC-1000"
)
LECTURE = (  # one tower, 227 pixels, padding 2
    "INPUT 3x227x227 -> CONV11-64/S4/P2 -> RELU -> POOL3/S2/FLOOR -> CONV5-192 -> RELU -> POOL3/S2 -> CONV3-384 -> RELU"
    " -> [CONV3-256 -> RELU]*2 -> POOL3/S2 -> [FC-4096 -> RELU]*2 -> FC-1000"
)
NOTES = [  # the four patterns of CS231n
    "INPUT -> FC",
    "INPUT -> CONV -> RELU -> FC",
    "INPUT -> [CONV -> RELU -> POOL]*2 -> FC -> RELU -> FC",
    "INPUT -> [CONV -> RELU -> CONV -> RELU -> POOL]*3 -> [FC -> RELU]*2 -> FC",
]


@pytest.mark.parametrize(("text", "length"), list(zip(NOTES, (2, 4, 10, 21), strict=True)))
def test_the_four_patterns_of_the_notes(text, length):
    pattern = parse(text)
    assert str(pattern) == text
    assert len(pattern.layers()) == length


def test_canonical_text():
    text = " input 3x8x8->[[conv3x3-4/p1/d1/s2]]*1 ->[pool2/s2/p0]? -> [relu -> [tanh]] ->fc-2 "
    assert str(parse(text)) == "INPUT 3x8x8 -> CONV3-4/S2*1 -> POOL2? -> RELU -> TANH -> FC-2"
    assert str(parse("CONV3-8/G2/FLOOR/S2/NOBIAS")) == "CONV3-8/S2/G2/FLOOR/NOBIAS"
    assert str(parse("[A -> B]*2".replace("A", "POOL3/S3").replace("B", "CONV1x7-4"))) == "[POOL3 -> CONV1x7-4]*2"


def test_letters_and_questions_stay_open_until_they_are_bound():
    pattern = parse("INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC")
    assert str(pattern) == "INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC"
    with pytest.raises(PatternError, match=r"M has no number yet[^$]*pattern.bind\(M=2\)"):
        pattern.layers()
    bound = pattern.bind(N=2, M=3, K=2, optional=True)
    assert [layer.kind for layer in bound.layers()] == [layer.kind for layer in parse(NOTES[3]).layers()]
    assert str(pattern.bind(N=0, optional=False).bind(M=1)) == "INPUT -> [[CONV -> RELU]*0]*1 -> [FC -> RELU]*K -> FC"
    assert pattern.bind(M=0, K=0, N=1).layers() == parse("INPUT -> FC").layers()
    assert len(parse("INPUT -> POOL?").layers()) == 2
    with pytest.raises(ValueError, match="there is no L in the pattern: its letters are K, M, N"):
        pattern.bind(L=2)
    with pytest.raises(ValueError, match="N is -1: expected a whole number"):
        pattern.bind(N=-1)


def number(low, high):
    return st.integers(low, high).map(str)


extent = st.one_of(number(1, 9), st.tuples(number(1, 9), number(1, 9)).map("x".join))
option = st.sampled_from(["S", "P", "G", "D"])


@st.composite
def layer_texts(draw):
    kind = draw(st.sampled_from(["CONV", "conv", "POOL", "AVGPOOL", "FC", "Relu", "GAP", "BN", "LRN", "DROPOUT"]))
    upper = kind.upper()
    if upper not in ("CONV", "POOL", "AVGPOOL", "FC") or draw(st.booleans()):
        return kind
    if upper == "FC":
        return f"{kind}-{draw(number(1, 99))}" + draw(st.sampled_from(["", "/NOBIAS"]))
    letters = draw(st.lists(st.sampled_from("SPGD" if upper == "CONV" else "SP"), unique=True))
    if upper == "CONV" and "P" not in letters:
        letters.append("P")
    options = [f"/{letter}{draw(number(1, 4) if letter == 'G' else extent)}" for letter in letters]
    flags = draw(st.sampled_from(["", "/FLOOR", "/NOBIAS" if upper == "CONV" else "/CEIL"]))
    return kind + draw(extent) + (f"-{draw(number(1, 64))}" if upper == "CONV" else "") + "".join(options) + flags


def groups(chains):
    modifier = st.sampled_from(["", "*0", "*2", "* 3", "*N", "?", "*2?", "?*M"])
    grouped = st.tuples(st.lists(chains, min_size=1, max_size=3), modifier)
    return grouped.map(lambda pair: f"[{' -> '.join(pair[0])}]{pair[1]}")


chains = st.recursive(layer_texts(), groups, max_leaves=8)


@settings(deadline=None)
@given(parts=st.lists(chains, min_size=1, max_size=4), start=st.sampled_from(["", "INPUT -> ", "INPUT 3x9x9->"]))
def test_text_and_pattern_lead_to_each_other(parts, start):
    pattern = parse(start + " -> ".join(parts))
    text = str(pattern)
    assert parse(text) == pattern
    assert str(parse(text)) == text


@settings(deadline=None)
@given(text=st.text(alphabet="INPUTCOVFL0123456789xX-/>[]*? SPGDé\n\t", max_size=40))
def test_any_text_parses_or_points_at_a_place(text):
    try:
        pattern = parse(text)
    except PatternError as error:
        lines = str(error).split("\n")
        assert any(set(line.strip()) == {"^"} for line in lines[1:])
    else:
        assert parse(str(pattern)) == pattern


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("", "", "expected a layer, got the end"),
        ("INPUT ->", "", "expected a layer, got the end"),
        ("INPUT -> [CONV -> ]*2", "]", "expected a layer, got ]"),
        ("INPUT -> []", "]", "expected a layer, got ]"),
        ("INPUT -> FOO -> FC", "FOO", "FOO is no layer"),
        ("INPUT -> RELU3", "RELU3", "RELU3 is no layer"),
        ("INPUT -> CONV3 -> FC", "CONV3", "the sizes of CONV3 cannot be read"),
        ("INPUT -> CONV3-0", "CONV3-0", "has a size of 0"),
        ("INPUT -> CONV2-64", "CONV2-64", "an even kernel has no equal padding"),
        ("INPUT -> CONV/S2", "CONV/S2", "has options but no sizes"),
        ("INPUT -> CONV3-6/Q2", "CONV3-6/Q2", "CONV has no option /Q2"),
        ("INPUT -> FC-6/S2", "FC-6/S2", "FC has no option /S2"),
        ("INPUT -> POOL3/D2", "POOL3/D2", "POOL has no option /D2"),
        ("INPUT -> POOL3/FLOOR/CEIL", "POOL3/FLOOR/CEIL", "contradict"),
        ("INPUT -> CONV3-6/S2/S3", "CONV3-6/S2/S3", "stride is said twice"),
        ("INPUT -> CONV3-6/S0", "CONV3-6/S0", "stride is 0"),
        ("INPUT -> CONV3-6/G1x2", "CONV3-6/G1x2", "groups is one number"),
        ("INPUT -> CONV 3-64", "3", "a layer has ended here"),
        ("INPUT CONV", "CONV", "a layer has ended here"),
        ("INPUT -> CONV]", "]", "there is no [ for this ]"),
        ("INPUT -> [CONV -> POOL", "[", "this [ is never closed"),
        ("INPUT -> CONV*-2", "-", "expected how often, got -"),
        ("INPUT -> CONV*2x3", "2x3", "expected how often, got 2x3"),
        ("CONV -> INPUT", "INPUT", "INPUT stands behind another layer"),
        ("[INPUT]*2", "INPUT", "INPUT stands behind another layer, or in a group"),
        ("INPUT 224x224x3 -> FC-10", "INPUT 224x224x3", "reads as 224 maps of 224x3 pixels"),
        ("INPUT 3x0x3 -> FC-10", "INPUT 3x0x3", "3x0x3 is no size of a picture"),
        ("INPUT -> FC-12345678901", "FC-12345678901", "more than nine digits"),
        ("INPUT ->\n  CONV -> BAD\n -> FC", "BAD", "BAD is no layer"),
    ],
)
def test_errors_point_at_the_place(text, marked, message):
    with pytest.raises(PatternError) as error:
        parse(text)
    said, line, carets, *_ = str(error.value).split("\n")
    assert message in said
    assert line[2:] in text.split("\n")
    place = carets.index("^")
    assert line[place : place + len(carets.strip())] == marked


def test_brackets_in_brackets_have_an_end():
    assert parse("[" * 40 + "CONV" + "]" * 40) == parse("CONV")
    with pytest.raises(PatternError, match="more than 50 brackets in brackets"):
        parse("[" * 5000)


def test_only_texts_are_parsed():
    with pytest.raises(TypeError, match="text is a list"):
        parse(["CONV"])


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("INPUT -> CONV3-8", "INPUT", "INPUT has no sizes"),
        ("INPUT 3x8x8 -> CONV -> FC-3", "CONV", "CONV (conv1), which gets 3x8x8: it has no sizes"),
        ("INPUT 3x8x8 -> [CONV3-4 -> POOL2]*4", "POOL2", "POOL2 (pool4), which gets 4x1x1: it has run out of pixels"),
        ("INPUT 3x8x8 -> FC-3 -> CONV3-4", "CONV3-4", "it needs a map"),
        ("INPUT 3x224x224 -> CONV11-64/S4/P2", "CONV11-64/S4/P2", "stride 4 does not fit"),
        ("INPUT 3x8x8 -> CONV3-4/G2", "CONV3-4/G2", "2 groups divide 3 channels and 4 filters unevenly"),
        ("INPUT 3x8x8 -> POOL3/P2", "POOL3/P2", "padding is at most half its window"),
        ("INPUT 3x8 -> CONV1x3-4", "CONV1x3-4", "another number of axes than 1"),
        ("INPUT 3x8x8 -> [RELU*100000]*10000", "I", "1,000,000,001 layers: 10,000 at most"),
    ],
)
def test_errors_of_the_table(text, marked, message):
    with pytest.raises(PatternError) as error:
        table(text)
    said, line, carets, *_ = str(error.value).split("\n")
    assert message in said
    place = carets.index("^")
    assert line[place : place + len(carets.strip())] == marked


def test_a_pattern_that_comes_to_nothing_costs_nothing():
    assert len(table("INPUT 3x8x8 -> [[CONV3-4]*0]*999999999 -> FC-2").rows) == 3


def test_vgg16_to_the_unit():
    rows, totals = table(VGG16).rows, table(VGG16).totals
    assert totals.parameters == 138_357_544
    assert totals.weights == 138_344_128
    assert totals.macs == 15_470_264_320
    assert totals.activation_elements == 15_237_608
    assert f"{totals.activation_bytes / 2**20:.2f} MiB" == "58.13 MiB"
    assert f"{totals.activation_bytes / 1e6:.2f} MB" == "60.95 MB"
    assert f"{totals.conv_fc_bytes / 2**20:.2f} MiB" == "51.71 MiB"
    assert next(row for row in rows if row.kind == "fc").weights == 102_760_448
    assert rows[-2].output_shape == (1000,)
    assert table(VGG19).totals.parameters == 143_667_240
    # within a stage, each convolution from C channels to C costs the same, in stage after stage but the last
    inner = [row.macs for row in rows if row.name in ("conv2", "conv4", "conv6", "conv7", "conv9", "conv10")]
    assert inner == [1_849_688_064] * 6
    assert [row.macs for row in rows if row.name in ("conv11", "conv12", "conv13")] == [462_422_016] * 3


def test_the_lecture_that_left_a_layer_out():
    """With one 256-channel convolution fewer VGG-16 has the totals that slides print."""
    fewer = VGG16.replace("[CONV3-256 -> RELU]*3", "[CONV3-256 -> RELU]*2")
    totals = table(fewer).totals
    assert f"{totals.conv_fc_bytes / 2**20:.2f}" == "48.65"
    assert f"{totals.macs / 1e9:.2f}" == "13.62"
    stem = table(fewer.split(" -> [[")[0]).totals
    assert stem.conv_fc_bytes / 2**20 == 42.875
    assert f"{stem.parameters / 1e6:.3f}" == "1.145"
    assert f"{stem.macs / 1e6:.2f}" == "7485.46"


def test_alexnet_to_the_unit():
    grouped, ungrouped, lecture = table(ALEXNET), table(ALEXNET.replace("/G2", "")), table(LECTURE)
    assert grouped.totals.parameters == 60_965_224
    assert f"{grouped.totals.macs / 1e9:.3f}" == "0.724"
    assert grouped.totals.conv_fc_elements == 659_272
    assert ungrouped.totals.parameters == 62_378_344
    assert f"{ungrouped.totals.macs / 1e9:.3f}" == "1.135"
    assert grouped.rows[1].elements == 290_400
    assert lecture.totals.parameters == 61_100_840
    assert f"{lecture.totals.macs / 1e9:.3f}" == "0.717"
    assert f"{lecture.totals.conv_fc_bytes / 2**20:.2f}" == "1.91"
    first = lecture.rows[1]
    assert (first.output_shape, first.elements, first.bytes) == ((64, 56, 56), 200_704, 784 * 1024)
    assert (first.parameters, first.macs) == (23_296, 72_855_552)
    assert lecture.rows[3].output_shape == (64, 27, 27)
    assert next(row for row in lecture.rows if row.kind == "flatten").output_shape == (9216,)
    # torchvision's: 224 pixels, which the first stride does not fit; and one padded zero fewer, which another book has
    torchvision = LECTURE.replace("INPUT 3x227x227 -> CONV11-64/S4/P2", "INPUT 3x224x224 -> CONV11-64/S4/P2/FLOOR")
    assert f"{table(torchvision).totals.macs / 1e9:.3f}" == "0.714"
    book = ALEXNET.replace("/G2", "").replace("3x227x227", "3x224x224").replace("S4/P0", "S4/P1/FLOOR")
    rows = table(book.replace("POOL3/S2", "POOL3/S2/FLOOR")).rows
    assert rows[1].output_shape == (96, 54, 54)
    assert next(row for row in rows if row.kind == "flatten").output_shape == (6400,)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (
            "1x32x32 -> CONV5-6/P0 -> POOL2 -> CONV5-16/P0 -> POOL2 -> CONV5-120/P0 -> FC-84 -> FC-10",
            61_706,
        ),  # LeNet now
        ("1x28x28 -> CONV5-20/P0 -> POOL2 -> CONV5-50/P0 -> POOL2 -> FC-500 -> FC-10", 431_080),  # Caffe's LeNet
        ("1x28x28 -> CONV5-30/P0 -> RELU -> POOL2 -> FC-100 -> RELU -> FC-10", 433_890),  # SimpleConvNet
        (  # DeepConvNet
            "1x28x28 -> CONV3-16*2 -> POOL2 -> CONV3-32 -> CONV3-32/P2 -> POOL2 -> CONV3-64*2 -> POOL2 -> FC-50"
            " -> FC-10",
            123_552,
        ),
    ],
)
def test_small_networks(text, parameters):
    assert table(f"INPUT {text}").totals.parameters == parameters


def test_volumes_of_the_notes():
    rows = table("INPUT 3x32x32 -> CONV3-12 -> RELU -> POOL2 -> FC-10").rows
    assert [row.output_shape for row in rows if row.kind != "flatten"] == [
        (3, 32, 32), (12, 32, 32), (12, 32, 32), (12, 16, 16), (10,)]  # fmt: skip


def test_which_layers_have_parameters():
    rows = table("INPUT 3x8x8 -> CONV3-4 -> BN -> RELU -> POOL2 -> LRN -> DROPOUT -> FC-2 -> SOFTMAX").rows
    assert {row.kind for row in rows if row.parameters} == {"conv", "norm", "fc"}
    assert [row.kind for row in rows if row.elements] == ["input", "conv", "pool", "fc"]


def test_the_shape_may_come_from_outside():
    assert table(VGG16, (3, 384, 384)).rows[-5].kind == "fc"
    assert table("INPUT -> CONV3-4", (3, 9, 9)).rows[1].output_shape == (4, 9, 9)
    assert table("INPUT 2x100 -> CONV9-4/P0 -> POOL2").rows[2].output_shape == (4, 46)
    assert table(parse("CONV3-4 -> RELU"), (3, 9, 9)).rows[0].output_shape == (3, 9, 9)
    assert isinstance(parse("CONV"), Pattern)


def test_patterns_need_no_torch():
    code = (
        "import sys, coursekit.models as m; from coursekit.models import parse, table; "
        f"print(table({VGG16!r}).to_text()); assert not {{'torch', 'numpy', 'matplotlib'}} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "138,344,128" in done.stdout


sized = st.sampled_from(
    ["CONV3-4", "CONV3-6/G2/S2/FLOOR", "CONV2-4/P0", "CONV1x3-4/D2/P0x1", "CONV5-4/NOBIAS", "POOL2/FLOOR",
     "POOL3/S2/CEIL", "POOL2x3/S1/P1/CEIL", "AVGPOOL2/S1", "AVGPOOL3/S2/P1/FLOOR", "RELU", "TANH", "SIGMOID",
     "BN", "LRN", "DROPOUT"]
)  # fmt: skip
heads = st.sampled_from(["", " -> FC-5", " -> GAP -> FC-3/NOBIAS -> SOFTMAX", " -> FC-4 -> BN -> RELU -> FC-2"])


@settings(deadline=None, max_examples=40)
@given(body=st.lists(sized, min_size=1, max_size=5), head=heads, height=st.integers(6, 30), width=st.integers(6, 30))
def test_the_module_has_the_table_of_its_pattern(body, head, height, width):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    from coursekit.models import pattern_module

    text = f"INPUT 4x{height}x{width} -> {' -> '.join(body)}{head}"
    try:
        counted = table(text)
    except PatternError:
        assume(False)
    with torch.device("meta"):
        module = pattern_module(text)
    assert table(module, (4, height, width)).rows == counted.rows
    assert counted.totals.parameters == sum(p.numel() for p in module.parameters())


def test_the_module_runs():
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    from coursekit.models import pattern_module

    text = (
        "INPUT 3x13x11 -> CONV3-4 -> BN -> RELU -> LRN -> POOL3/S2/CEIL -> AVGPOOL2/FLOOR -> DROPOUT -> FC-5 -> SOFTMAX"
    )
    y = pattern_module(text).eval()(torch.zeros(2, 3, 13, 11))
    torch.testing.assert_close(y.sum(1), torch.ones(2))
    assert [step.name for step in pattern_steps(parse(text))][:4] == ["input", "conv1", "bn1", "relu1"]
    sound = pattern_module("CONV9-4/P0 -> BN -> POOL2 -> GAP -> FC-2", (2, 100))
    assert sound(torch.zeros(3, 2, 100)).shape == (3, 2)
    volume = pattern_module("CONV3-4 -> BN -> AVGPOOL2 -> FC-2", (1, 4, 4, 4))
    assert volume(torch.zeros(3, 1, 4, 4, 4)).shape == (3, 2)


def test_alexnets_response_norm_is_the_papers():
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    from coursekit.models import pattern_module

    x = torch.randn(1, 8, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = pattern_module("LRN", (8, 2, 2))(x)
    i = 3
    wanted = x[:, i] / (2 + 1e-4 * (x[:, i - 2 : i + 3] ** 2).sum(1)) ** 0.75
    torch.testing.assert_close(y[:, i], wanted)
