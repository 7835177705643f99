"""The artifact record: what is known of one model file. Written as JSON beside the file.

`exporters` writes it, `bench` plans with it, `results` reads it out of a run's evidence.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import NonNegativeInt, PositiveInt

from foundation.record import Record

Format = Literal["onnx", "tflite"]
Precision = Literal["fp32", "fp16", "int8"]

ARTIFACT_SCHEMA: Final = 1


class Quantization(Record):
    """Affine quantization of one tensor: real = scale * (stored - zero_point)."""

    scale: float
    zero_point: int


class Tensor(Record):
    """An input or output. `shape` is static, in the file's own order (NCHW for onnx, NHWC for tflite)."""

    name: str
    dtype: str  # numpy's name: float32, int8, ...
    shape: tuple[PositiveInt, ...]
    quantization: Quantization | None = None


class Operator(Record):
    """One operator of the file's graph, in execution order.

    `macs` are multiply-accumulates of one inference (0 where the operator has none).
    Bytes are those of the tensors as stored in the file.
    """

    order: NonNegativeInt
    name: str
    type: str  # the format's own name: Conv, CONV_2D, ...
    macs: NonNegativeInt
    input_bytes: NonNegativeInt
    weight_bytes: NonNegativeInt
    output_bytes: NonNegativeInt
    output_shape: tuple[int, ...] = ()

    @property
    def memory_access_bytes(self) -> int:
        """Memory access cost: bytes read and written by one execution, cache reuse inside it perfect.

        Ma et al., ShuffleNet V2, ECCV 2018, section 2 (there called MAC).
        """
        return self.input_bytes + self.weight_bytes + self.output_bytes


class Preprocessing(Record):
    """How a picture becomes the network's float input: (pixel - mean) / scale for each channel in 0..255."""

    size: PositiveInt  # pixels, square
    crop: float  # centre crop: this share of the shorter side is kept
    interpolation: Literal["bilinear", "bicubic", "lanczos"]
    channel_order: Literal["RGB", "BGR"]
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


class Delegation(Record):
    """How a TFLite graph falls to the XNNPACK delegate: 1 partition and no stray transpose is the aim."""

    partitions: NonNegativeInt
    undelegated: tuple[str, ...]  # types of the operators left outside, in order
    transposes: NonNegativeInt


class Agreement(Record):
    """The artifact's outputs against its float network's, on calibration-free pictures."""

    pictures: PositiveInt
    sqnr_db: float | None  # 10 log10(signal power / error power); None: outputs are equal
    top1: float  # share of pictures with the same first class


class Parity(Record):
    """What the float network says to one fixed input, for telling on any device that the file still says the same.

    `outputs` is its first output, float32 in little-endian bytes as base64; `sqnr_db` how near to it the file came
    on the host that exported it, within 300 dB.
    """

    input: str  # which fixed input: "card 1"
    outputs: str
    sqnr_db: float


class Published(Record):
    """Figures that a paper or a reference implementation states, with where they stand."""

    params: NonNegativeInt | None = None
    macs: NonNegativeInt | None = None
    top1: float | None = None  # percent, ImageNet-1k
    source: str


class Weights(Record):
    """Where the parameters come from. No accuracy is ever shown for `random` ones."""

    kind: Literal["pretrained", "random", "user"]
    source: str  # package and version, file name, or seed


class Artifact(Record):
    """One model file: what it is, what went in, what it costs, how true it stayed."""

    schema_version: Literal[1] = ARTIFACT_SCHEMA
    sha256: str
    size_bytes: PositiveInt
    network: str
    family: str
    format: Format
    precision: Precision
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    params: NonNegativeInt | None  # of the network; None for a user's file
    macs: NonNegativeInt  # sum over operators
    weights: Weights
    published: Published | None = None
    preprocessing: Preprocessing | None = None
    delegation: Delegation | None = None
    agreement: Agreement | None = None
    parity: Parity | None = None
    calibration: str | None = None  # how an int8 file was calibrated
    session_config: dict[str, str] = {}  # entries the runtime needs to run this file correctly
    versions: dict[str, str]  # libraries that made or read it

    @property
    def memory_access_bytes(self) -> int:
        """Memory access cost of one inference: sum over operators."""
        return sum(operator.memory_access_bytes for operator in self.operators)
