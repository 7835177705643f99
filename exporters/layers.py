"""A network's layers, counted in one run on the meta device: shapes, parameters, MACs, bytes, receptive fields.

A layer here is what a runtime runs as one operator: normalization and activation count with the
convolution, matrix product or addition before them. MACs and bytes come from the formulas that the
exported files are counted with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from exporters.graphs.costs import convolution_macs, elements, matmul_macs, tensor_bytes
from exporters.networks.registry import Network

aten = torch.ops.aten
BITS = 32

VIEWS = {
    "_unsafe_view", "alias", "as_strided", "chunk", "detach", "expand", "flatten", "permute", "reshape", "select",
    "slice", "split", "split_with_sizes", "squeeze", "t", "transpose", "unsafe_chunk", "unsafe_split", "unsqueeze",
    "view",
}  # fmt: skip
NORMALIZATIONS = {"native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm", "batch_norm"}
ACTIVATIONS = {"relu", "hardtanh", "clamp", "hardswish", "hardsigmoid", "silu", "sigmoid", "gelu"}
TYPES = {
    "add": "Add", "mul": "Multiply", "cat": "Concatenate", "mean": "Mean", "clone": "Copy", "constant_pad_nd": "Pad",
    "max_pool2d_with_indices": "MaxPool", "avg_pool2d": "AveragePool", "addmm": "Linear", "mm": "Linear",
    "bmm": "MatMul", "_softmax": "Softmax", "native_layer_norm": "LayerNorm", "native_batch_norm": "BatchNorm",
    "_native_batch_norm_legit_no_training": "BatchNorm", "cudnn_batch_norm": "BatchNorm", "div": "Divide",
    "_adaptive_avg_pool2d": "AveragePool",
}  # fmt: skip
FUSING = {"Convolution", "DepthwiseConvolution", "Linear", "Add"}  # types that take a normalization and activation in


@dataclass(frozen=True)
class Layer:
    """One operator of the float network, in order of execution, for one input.

    `receptive_field` is the side in pixels of the square of input that one output value depends on along
    the filtered path; a squeeze-and-excite gate, which sees everything, is left aside. `jump` is the
    distance in input pixels between neighbouring outputs. Both are None where there are no pixels.
    """

    order: int
    name: str  # path of the module in the network
    type: str
    output_shape: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    groups: int
    params: int
    macs: int
    memory_access_bytes: int
    receptive_field: int | None
    jump: int | None


@dataclass(frozen=True)
class Layers:
    """All layers of a network, and their sums."""

    network: str
    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference; FLOPs are twice as many."""
        return sum(layer.macs for layer in self.layers)

    @property
    def memory_access_bytes(self) -> int:
        """Memory access cost of one inference in float32."""
        return sum(layer.memory_access_bytes for layer in self.layers)


def layers_of(network: Network) -> Layers:
    """The layers of `network`, from one run of its architecture on the meta device (no arithmetic happens)."""
    with torch.device("meta"):
        module = network.architecture()
        example = torch.empty(1, *network.input_shape)
    return Layers(network.name, network.input_shape, tuple(trace(module, example)))


def trace(module: nn.Module, example: Tensor) -> list[Layer]:
    """The layers that `module` runs through for `example`, a batch of one."""
    recorder = _Recorder(module, example)
    with torch.no_grad(), recorder.naming(module), recorder:
        module(example)
    return recorder.layers


@dataclass
class _Field:
    """What is known of a tensor on its way: pixels of input it sees, which layer made it, which parameter it is."""

    size: int | None = None
    jump: int | None = None
    layer: int | None = None
    parameter: int | None = None


@dataclass
class _Recorder(TorchDispatchMode):
    """Sees every operator that a forward pass runs."""

    module: nn.Module
    example: Tensor
    layers: list[Layer] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._path: list[str] = []
        self._uncounted = {id(parameter): parameter.numel() for parameter in self.module.parameters()}
        self._known: dict[int, _Field] = {id(p): _Field(parameter=id(p)) for p in self.module.parameters()}
        self._alive: list[Tensor] = []  # an id stays unique as long as its tensor lives
        if self.example.ndim == 4:
            self._known[id(self.example)] = _Field(size=1, jump=1)

    @contextmanager
    def naming(self, module: nn.Module) -> Iterator[None]:
        """While active, the path of the innermost running module is known."""
        handles = []
        for name, child in module.named_modules():
            handles.append(child.register_forward_pre_hook(lambda _m, _i, name=name: self._path.append(name)))
            handles.append(child.register_forward_hook(lambda _m, _i, _o: self._path.pop() and None))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        operator = func.overloadpacket.__name__
        if operator in ACTIVATIONS or operator in NORMALIZATIONS:
            # Their meta kernels take most of the time, only to give the input's shape again.
            result = torch.empty_like(args[0])
            if operator in NORMALIZATIONS:
                result = (result, result.new_empty(0), result.new_empty(0))
        else:
            result = func(*args, **(kwargs or {}))
        outputs = [item for item in (result if isinstance(result, tuple | list) else [result]) if _is_tensor(item)]
        inputs = [item for item in _flat(args) if _is_tensor(item)]
        if outputs and inputs:
            self._alive += [*outputs, *inputs]
            self._see(operator, args, inputs, outputs)
        return result

    def _see(self, operator: str, args: tuple[Any, ...], inputs: list[Tensor], outputs: list[Tensor]) -> None:
        merged = self._merged(inputs)
        if operator in VIEWS:
            # A view is the same data: of an activation in pixels, or of a parameter.
            known = self._known.get(id(inputs[0]), _Field())
            for output in outputs:
                self._known[id(output)] = replace(known)
            return
        made = replace(merged, parameter=None)
        kernel, stride, groups = _window(operator, args, inputs)
        if kernel and merged.size is not None and merged.jump is not None:
            made.size = merged.size + (max(kernel) - 1) * merged.jump
            made.jump = merged.jump * max(stride)
        params = self._parameters(inputs)
        producer = merged.layer
        if operator in NORMALIZATIONS | ACTIVATIONS and producer is not None:
            before = self.layers[producer]
            if before.type in FUSING:
                self.layers[producer] = replace(before, params=before.params + params)
                self._known[id(outputs[0])] = made
                return
        made.layer = len(self.layers)
        moved = sum(tensor_bytes(t.shape, BITS) for t in {id(t): t for t in (*inputs, outputs[0])}.values())
        self.layers.append(
            Layer(
                order=made.layer,
                name=self._path[-1] if self._path else "",
                type=_type(operator, args, groups),
                output_shape=tuple(outputs[0].shape),
                kernel=kernel,
                stride=stride,
                groups=groups,
                params=params,
                macs=_macs(operator, args, outputs[0]),
                memory_access_bytes=moved,
                receptive_field=made.size,
                jump=made.jump,
            )
        )
        self._known[id(outputs[0])] = made

    def _merged(self, inputs: Sequence[Tensor]) -> _Field:
        """The activation inputs' knowledge joined: the widest field among the inputs of most pixels."""
        known = [(tensor, self._known.get(id(tensor), _Field())) for tensor in inputs]
        activations = [(tensor, of) for tensor, of in known if of.parameter is None]
        if not activations:
            return _Field()
        most = max(elements(tensor.shape[2:]) for tensor, _ in activations)
        spread = [of for tensor, of in activations if elements(tensor.shape[2:]) == most]
        widest = max(spread, key=lambda of: of.size or 0)
        return replace(widest, layer=spread[0].layer)

    def _parameters(self, inputs: Sequence[Tensor]) -> int:
        """Parameters among `inputs` that no earlier layer counted."""
        owners = [self._known.get(id(tensor), _Field()).parameter for tensor in inputs]
        return sum(self._uncounted.pop(owner, 0) for owner in owners if owner is not None)


def _is_tensor(item: object) -> bool:
    return isinstance(item, Tensor)


def _flat(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, list | tuple):
            yield from _flat(item)
        else:
            yield item


def _pair(value: Sequence[int]) -> tuple[int, int]:
    return (value[0], value[-1])


def _window(operator: str, args: tuple[Any, ...], inputs: Sequence[Tensor]) -> tuple[tuple[int, ...], Any, int]:
    """Kernel, stride and groups of an operator that slides a window over pixels; ((), (), 1) for the others."""
    if operator == "convolution":
        return tuple(args[1].shape[2:]), _pair(args[3]), args[8]
    if operator in ("max_pool2d_with_indices", "avg_pool2d"):
        kernel = _pair(args[1])
        return kernel, _pair(args[2]) if len(args) > 2 and args[2] else kernel, 1
    if (operator == "mean" and inputs[0].ndim == 4) or operator == "_adaptive_avg_pool2d":
        return tuple(inputs[0].shape[2:]), (1, 1), 1
    return (), (), 1


def _type(operator: str, args: tuple[Any, ...], groups: int) -> str:
    if operator == "convolution":
        return "DepthwiseConvolution" if groups > 1 and groups == args[0].shape[1] else "Convolution"
    return TYPES.get(operator) or operator.strip("_").replace("_", " ").title().replace(" ", "")


def _macs(operator: str, args: tuple[Any, ...], output: Tensor) -> int:
    counted: dict[str, Callable[[], int]] = {
        "convolution": lambda: convolution_macs(output.shape, args[1].numel(), args[1].shape[0]),
        "addmm": lambda: matmul_macs(output.shape, args[1].shape[-1]),
        "mm": lambda: matmul_macs(output.shape, args[0].shape[-1]),
        "bmm": lambda: matmul_macs(output.shape, args[0].shape[-1]),
    }
    return counted[operator]() if operator in counted else 0
