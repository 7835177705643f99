"""Every network against the figures that papers and reference implementations state."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from exporters.networks.registry import Network, declarations, listed_names, resolve

EXACT_PARAMETERS = {  # counted in torchvision, timm, pytorchcv and efficientnet-lite-pytorch
    "alexnet": 61_100_840,
    "vgg16": 138_357_544,
    "googlenet": 6_624_904,
    "inception_v3": 23_834_568,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "se_resnet50": 28_088_024,
    "se_resnext50_32x4d": 27_559_896,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
    "mobilenet_v1": 4_231_976,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v2_w0.35": 1_677_128,
    "mobilenet_v2_w1.4": 6_108_776,
    "mobilenet_v3_large": 5_483_032,
    "mobilenet_v3_large_w0.75": 3_993_528,
    "mobilenet_v3_small": 2_542_856,
    "mobilenet_v3_small_w0.75": 2_041_872,
    "mnasnet_a1": 3_887_038,
    "mnasnet_b1": 4_383_312,
    "mnasnet_b1_w0.5": 2_218_512,
    "mnasnet_b1_w0.75": 3_170_208,
    "mnasnet_b1_w1.3": 6_282_256,
    "shufflenet_v1_g1": 1_531_936,
    "shufflenet_v1_g3": 1_865_728,
    "shufflenet_v1_g8": 2_434_768,
    "shufflenet_v2_x0_5": 1_366_792,
    "shufflenet_v2_x1_0": 2_278_604,
    "shufflenet_v2_x1_5": 3_503_624,
    "shufflenet_v2_x2_0": 7_393_996,
    "ghostnet_w0.5": 2_587_292,
    "ghostnet": 5_182_508,
    "ghostnet_w1.3": 7_358_820,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b1": 7_794_184,
    "efficientnet_b2": 9_109_994,
    "efficientnet_b3": 12_233_232,
    "efficientnet_b4": 19_341_616,
    "efficientnet_b5": 30_389_784,
    "efficientnet_b6": 43_040_704,
    "efficientnet_b7": 66_347_960,
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
    "efficientnet_lite3": 8_197_096,
    "efficientnet_lite4": 13_006_568,
}
# Google's release counts 3 operations for each BatchNorm output on top of MACs; efficientnet_lite.py says more.
LITE_RELEASE = {0: 407e6, 1: 631e6, 2: 899e6, 3: 1440e6, 4: 2640e6}
CHEAP = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "shufflenet_v2_x1_0",
         "squeezenet1_1", "shufflenet_v1", "ghostnet", "mnasnet_a1", "resnet50", "alexnet")  # fmt: skip


def on_meta(network: Network) -> nn.Module:
    with torch.device("meta"):
        return network.architecture()


def counted_by_torch(network: Network) -> float:
    """MACs by torch's own counter, which knows nothing of exporters/layers.py."""
    module = on_meta(network)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, *network.input_shape, device="meta"))
    return counter.get_total_flops() / 2


@pytest.mark.parametrize("name", EXACT_PARAMETERS)
def test_parameters_equal_the_count_of_another_implementation(name: str) -> None:
    assert sum(parameter.numel() for parameter in on_meta(resolve(name)).parameters()) == EXACT_PARAMETERS[name]


def test_every_published_parameter_count_that_we_show_is_one_that_was_checked() -> None:
    shown = {
        name: published.params for name in listed_names() if (published := resolve(name).published) and published.params
    }
    checked = {**EXACT_PARAMETERS, "shufflenet_v1": EXACT_PARAMETERS["shufflenet_v1_g3"]}
    assert {name: checked.get(name) for name in shown} == shown


@pytest.mark.parametrize("name", CHEAP)
def test_macs_are_within_1_5_percent_of_the_published(name: str) -> None:
    network = resolve(name)
    assert network.published is not None
    assert counted_by_torch(network) == pytest.approx(network.published.macs, rel=0.015)


@pytest.mark.long
def test_macs_of_every_listed_network_are_within_1_5_percent_of_the_published() -> None:
    networks = [resolve(name) for name in listed_names()]
    published = [network for network in networks if network.published and network.published.macs]
    assert len(published) >= 50
    wrong = {
        network.name: (counted, network.published.macs)
        for network in published
        if (counted := counted_by_torch(network)) != pytest.approx(network.published.macs, rel=0.015)
    }
    assert not wrong


@pytest.mark.parametrize("level", [0, 1, 2, 3, 4])
def test_efficientnet_lite_releases_count_three_operations_a_batch_norm_output_beside_macs(level: int) -> None:
    network = resolve(f"efficientnet_lite{level}")
    module = on_meta(network)
    normalized = 0

    def count(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal normalized
        normalized += output.numel()

    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(count)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, *network.input_shape, device="meta"))
    assert counter.get_total_flops() / 2 + 3 * normalized == pytest.approx(LITE_RELEASE[level], rel=0.015)


def test_original_last_stage_costs_about_30_million_more_macs() -> None:
    """MobileNetV3 paper, section 5.1: the new last stage saves 30 million multiply-adds."""
    saved = counted_by_torch(resolve("mobilenet_v3_large_oldtail")) - counted_by_torch(resolve("mobilenet_v3_large"))
    assert 27e6 < saved < 37e6


def test_32_stem_filters_cost_about_10_million_more_macs() -> None:
    """MobileNetV3 paper, section 5.1: 16 filters instead of 32 save 10 million multiply-adds."""
    saved = counted_by_torch(resolve("mobilenet_v3_large_stem32")) - counted_by_torch(resolve("mobilenet_v3_large"))
    assert saved == pytest.approx(10e6, rel=0.1)


def test_gates_of_se_resnet50_have_the_parameters_of_the_paper() -> None:
    """SENet paper, section 4: 2/r times the sum over stages of units times channels squared (biases come on top)."""
    weights = 2 / 16 * (3 * 256**2 + 4 * 512**2 + 6 * 1024**2 + 3 * 2048**2)
    biases = sum(units * (channels + channels // 16) for units, channels in ((3, 256), (4, 512), (6, 1024), (3, 2048)))
    assert EXACT_PARAMETERS["se_resnet50"] - EXACT_PARAMETERS["resnet50"] == weights + biases


def test_every_network_of_the_papers_is_listed() -> None:
    counted = {resolve(name).constructor for name in EXACT_PARAMETERS}
    others = {name for name, entry in declarations().items() if entry.base.constructor not in counted}
    assert others == {"se_googlenet", "transformer_encoder"}
    assert {name for name in EXACT_PARAMETERS if "_w" not in name and "_g" not in name} <= set(declarations())
