"""The comparison holds counted numbers and published errors; the history of the challenge holds its winners."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")

from coursekit import models
from coursekit.models.comparison import DEFAULT, forward_seconds, published_top5

PUBLISHED = {
    "alexnet": 18.2,
    "alexnet-torchvision": 20.93,
    "zfnet": 16.5,
    "zfnet-wide": 16.0,
    "vgg11": 10.4,
    "vgg13": 9.9,
    "vgg16": 8.1,
    "vgg19": 8.0,
    "googlenet": 10.07,
    "googlenet-torchvision": 10.47,
    "resnet34": 7.46,
    "resnet50": 6.71,
    "resnet101": 6.05,
    "resnet152": 5.71,
    "preact-resnet152": 5.5,
}


def test_errors_are_those_of_the_papers():
    found = {name: published_top5(name) for name in models.names()}
    assert {name: error[0] for name, error in found.items() if error} == PUBLISHED
    assert all(error[1].startswith("one network") for error in found.values() if error)
    assert published_top5("vgg16")[1].startswith("one network, one scale, dense evaluation")


@pytest.mark.parametrize("name", ["alexnet", "googlenet"])
def test_torchvisions_errors_are_those_of_its_metadata(name):
    torchvision = pytest.importorskip("torchvision", reason="needs torchvision: python3 course.py setup")
    weights = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"]
    measured = 100 - weights.meta["_metrics"]["ImageNet-1K"]["acc@5"]
    assert published_top5(f"{name}-torchvision")[0] == pytest.approx(measured, abs=0.005)


def test_rows_are_counted():
    comparison = models.compare(["resnet50", "alexnet", "lenet5"], time=False)
    assert [row.name for row in comparison.rows] == ["resnet50", "alexnet", "lenet5"]
    resnet, alexnet, lenet = comparison.rows
    assert (resnet.parameters, resnet.macs, resnet.depth, resnet.year) == (25_557_032, 4_089_184_256, 50, 2015)
    assert (alexnet.parameters, alexnet.depth, alexnet.year) == (60_965_224, 8, 2012)
    assert alexnet.parameter_bytes == 4 * 60_965_224
    for row in comparison.rows:
        totals = models.table(row.name).totals
        counted = (totals.parameters, totals.macs, totals.activation_bytes)
        assert (row.parameters, row.macs, row.activation_bytes) == counted
        assert row.seconds is None
    assert lenet.top5 is lenet.conditions is comparison.threads is None


def test_it_shows_itself():
    comparison = models.compare(["vgg16", "lenet5"], time=False)
    text, markdown, page = str(comparison), comparison.to_markdown(), comparison._repr_html_()
    for shown in (text, markdown, page):
        for word in ("VGG-16", "138,357,544", "15.47", "58.13 MiB", "8.1", "LeNet-5", "60,000", "0.0003"):
            assert word in shown
        assert "ms here" not in shown
    assert "<caption>" in page


def test_times_are_measured_here():
    comparison = models.compare(["lenet5-modern", "resnet20-cifar"])
    assert all(row.seconds > 0 for row in comparison.rows)
    assert comparison.threads == torch.get_num_threads()
    assert f"median of 5, {torch.get_num_threads()} threads of the CPU" in str(comparison)
    assert "ms here" in comparison.to_markdown()


def test_measuring_leaves_the_network_as_it_was():
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(1), torch.nn.Flatten()).train()
    assert forward_seconds(network, (1, 4, 4), repeats=2) > 0
    assert network.training
    assert network[0].num_batches_tracked == 0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(TypeError, match=r"names is 'vgg16'.*\['vgg16'\]"):
        models.compare("vgg16")
    with pytest.raises(ValueError, match="names is empty"):
        models.compare([])
    with pytest.raises(ValueError, match="vgg16"):
        models.compare(["vgg17"])


@pytest.mark.slow
def test_ten_networks_of_imagenet():
    comparison = models.compare(time=False)
    assert tuple(row.name for row in comparison.rows) == DEFAULT
    (timed,) = models.compare(["googlenet"]).rows
    assert timed.seconds > 0
    smallest = min(comparison.rows, key=lambda row: row.parameters)
    assert smallest.name == "googlenet"


# ---- history


def test_the_winners_of_ilsvrc():
    history = models.history()
    winners = {entry.year: entry for entry in history.winners}
    assert list(winners) == [2010, 2011, 2012, 2013, 2014, 2015]
    assert [round(entry.top5, 1) for entry in history.winners[:5]] == [28.2, 25.8, 15.3, 11.7, 6.7]
    assert winners[2015].top5 == 3.57
    assert [entry.depth for entry in history.winners] == [None, None, 8, 8, 22, 152]
    assert winners[2013].team == "Clarifai"  # and not ZF, whose entry had 13.5
    assert "13.51" in winners[2013].conditions
    assert (round(history.without_outside_data, 1), history.human) == (16.4, 5.1)
    assert f"{history.without_outside_data}" in winners[2012].conditions


def test_second_places():
    isi, vgg = [entry for entry in models.history().entries if entry.place == 2]
    assert (vgg.network, vgg.year, round(vgg.top5, 1), vgg.depth) == ("VGG", 2014, 7.3, 19)
    assert "first in localisation" in vgg.conditions
    assert (isi.year, round(isi.top5, 1), isi.depth) == (2012, 26.2, None)  # ten points behind the first network


def test_every_entry_has_its_source_and_depths_are_the_cards():
    history = models.history()
    assert all(entry.source and entry.conditions for entry in history.entries)
    depths = {entry.network: entry.depth for entry in history.entries}
    for network, name in (
        ("AlexNet", "alexnet"),
        ("VGG", "vgg19"),
        ("GoogLeNet", "googlenet"),
        ("ResNet", "resnet152"),
    ):
        assert models.card(name).depth == depths[network]


def test_the_history_shows_itself():
    history = models.history()
    for shown in (str(history), history.to_markdown(), history._repr_html_()):
        for word in ("Clarifai", "28.19", "5.10", "2015", "He et al. 2016, Table 5"):
            assert word in shown
