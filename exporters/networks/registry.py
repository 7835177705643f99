"""The registry of networks: what each file of this folder declares with `@network`, found again by name.

A name may carry variant suffixes that the declaration allows: `mobilenet_v2_w0.5_r192` is
`mobilenet_v2` at width 0.5 and 192 pixels.
"""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from foundation.artifact import Preprocessing, Published, Weights
from foundation.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

SEED = 0
RANDOM = Weights(kind="random", source=f"seed {SEED}")
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_SCALE = (58.395, 57.12, 57.375)


def imagenet_preprocessing(size: int, crop: float = 0.875) -> Preprocessing:
    """The preprocessing of torchvision's reference training: RGB, mean and deviation of ImageNet."""
    return Preprocessing(
        size=size,
        crop=crop,
        interpolation="bilinear",
        channel_order="RGB",
        mean=IMAGENET_MEAN,
        scale=IMAGENET_SCALE,
    )


@dataclass(frozen=True)
class Number:
    """A suffix letter with a number, `w0.5`: the constructor's `argument` takes it, within the range or the choices."""

    argument: str
    low: float
    high: float
    choices: tuple[float, ...] = ()

    def parse(self, text: str, name: str) -> float | int:
        """The suffix's value; UsageError outside the range, with what is allowed."""
        value = float(text) if "." in text else int(text)
        if self.choices and value not in self.choices:
            allowed = ", ".join(f"{choice:g}" for choice in self.choices)
            raise UsageError(f"{name}: {self.argument} {value} does not exist", hint=f"choose one of {allowed}")
        if not self.low <= value <= self.high:
            raise UsageError(
                f"{name}: {self.argument} {value} is outside its range",
                hint=f"choose a {self.argument} from {self.low:g} to {self.high:g}",
            )
        return value


def width(low: float, high: float) -> Number:
    """`_w0.5`: multiplies every layer's channels."""
    return Number("width", low, high)


def resolution(low: int, high: int) -> Number:
    """`_r192`: pixels on a side of the square input; not an argument of the constructor."""
    return Number("resolution", low, high)


INPUT_SIZES = ("resolution", "tokens")  # numbers that change the input, not the layers
Suffixes = Mapping[str, Number | Mapping[str, Any]]


@dataclass(frozen=True)
class Network:
    """An architecture with its weights. `build()` gives it ready for inference."""

    name: str
    family: str
    input_size: int  # pixels on a side; for the Transformer encoder, tokens
    tags: tuple[str, ...]
    published: Published | None
    preprocessing: Preprocessing | None  # None: the input is no picture
    weights: Weights
    classes: int
    input_shape: tuple[int, ...]  # of one float32 input, without the batch
    module: str  # where it is declared
    constructor: Callable[..., nn.Module] = field(repr=False)
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    libraries: Mapping[str, str] = field(default_factory=dict, repr=False)  # torchvision's and timm's names of it
    library_arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)  # for their weights to fit
    pretrained: Callable[[nn.Module], None] | None = field(default=None, repr=False)

    def architecture(self) -> nn.Module:
        """The layers in eval mode, with whatever values PyTorch initialises them to; cheap on the meta device."""
        return self.constructor(**self.arguments).eval()

    def build(self) -> nn.Module:
        """The network in eval mode with `weights` in place.

        Random weights are seeded, and their BatchNorm statistics settled on real pictures.
        """
        from exporters.weights import initialise

        return initialise(self)


@dataclass(frozen=True)
class Declaration:
    """What one `@network` line says."""

    base: Network
    suffixes: Suffixes
    variants: Mapping[str, Published | None]  # suffixes of the variants worth listing
    libraries: Mapping[str, Mapping[str, str]]  # by suffix without resolution


_DECLARATIONS: dict[str, Declaration] = {}


def network(
    name: str,
    *,
    family: str,
    input_size: int,
    published: Published | None = None,
    tags: Iterable[str] = (),
    preprocessing: Preprocessing | None = None,
    pretrained: Callable[[nn.Module], None] | None = None,
    weights: Weights | None = None,
    suffixes: Suffixes | None = None,
    variants: Mapping[str, Published | None] | None = None,
    input_shape: Callable[[int], tuple[int, ...]] | None = None,
    arguments: Mapping[str, Any] | None = None,
    libraries: Mapping[str, Mapping[str, str]] | None = None,
    library_arguments: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Declare a network: the decorated constructor builds its layers.

    `pretrained` fills the layers with real weights that `weights` describes; without it weights are
    random. `suffixes` says which name suffixes the constructor understands, `variants` which of them
    `everything` lists. `arguments` are fixed arguments of the constructor, so that several
    networks may share it. `input_shape(input_size)` is (3, size, size) unless given, and then the
    input is no picture and has no preprocessing. `libraries` names, for each suffix, the same architecture in
    torchvision and timm, whose weights fit once `library_arguments` override the constructor's.
    """
    if (pretrained is None) != (weights is None):
        raise ValueError(f"{name}: pretrained and weights go together")
    shape = input_shape(input_size) if input_shape else (3, input_size, input_size)
    if preprocessing is None and input_shape is None:
        preprocessing = imagenet_preprocessing(input_size)

    def declare(constructor: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        if name in _DECLARATIONS:
            raise ValueError(f"two networks are called {name}")
        base = Network(
            name=name,
            family=family,
            input_size=input_size,
            tags=tuple(tags),
            published=published,
            preprocessing=preprocessing,
            weights=weights or RANDOM,
            classes=1000,
            input_shape=shape,
            module=constructor.__module__,
            constructor=constructor,
            arguments=dict(arguments or {}),
            libraries=(libraries or {}).get("", {}),
            library_arguments=library_arguments or {},
            pretrained=pretrained,
        )
        _DECLARATIONS[name] = Declaration(base, suffixes or {}, variants or {}, libraries or {})
        return constructor

    return declare


def declarations() -> dict[str, Declaration]:
    """Every declaration by base name; imports all files of this folder."""
    package = importlib.import_module("exporters.networks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"exporters.networks.{module.name}")
    return _DECLARATIONS


def listed_names() -> list[str]:
    """Every base name and every listed variant, family by family in order of declaration."""
    return [
        f"{base}_{suffix}" if suffix else base
        for base, declaration in declarations().items()
        for suffix in ("", *declaration.variants)
    ]


def resolve(name: str, weights: str = "default") -> Network:
    """The network of one name, with variant suffixes, or of a source such as `timm:NAME`.

    `weights` is `default`, or `torchvision`, `timm` or a file for weights other than the declared ones.
    Raises UsageError for an unknown name (with the nearest ones) or a variant out of range.
    """
    if weights != "default":
        from exporters.foreign_weights import with_weights

        return with_weights(resolve(name), weights)
    if ":" in name:
        from exporters.networks.sources import resolve_source

        return resolve_source(name)
    known = declarations()
    for base in sorted(known, key=len, reverse=True):
        if name == base:
            return known[base].base
        if name.startswith(base + "_"):
            suffix = name[len(base) + 1 :]
            variant = _variant(known[base], suffix)
            if variant is not None:
                return variant
    raise _unknown(name)


def _variant(declaration: Declaration, suffix: str) -> Network | None:
    """The variant that a suffix such as `w0.5_r192` asks for; None where the declaration knows no such suffix."""
    base = declaration.base
    name = f"{base.name}_{suffix}"
    arguments = dict(base.arguments)
    size = base.input_size
    architecture: list[str] = []  # the suffix without what only changes the input
    for token in suffix.split("_"):
        meaning = declaration.suffixes.get(token)
        if meaning is not None and not isinstance(meaning, Number):
            arguments.update(meaning)
            architecture.append(token)
            continue
        match = re.fullmatch(r"([a-z]+)(\d+(?:\.\d+)?)", token)
        number = declaration.suffixes.get(match[1]) if match else None
        if match is None or not isinstance(number, Number):
            return None
        value = number.parse(match[2], name)
        if number.argument in INPUT_SIZES:
            if not isinstance(value, int):
                raise UsageError(f"{name}: {number.argument} {value} is no whole number", hint="write it as in _r192")
            size = value
        else:
            arguments[number.argument] = value
            architecture.append(token)
    return replace(
        base,
        name=name,
        input_size=size,
        tags=(),
        published=declaration.variants.get(suffix),
        preprocessing=base.preprocessing and base.preprocessing.model_copy(update={"size": size}),
        # A variant keeps the real weights only where its layers are the same ones.
        weights=base.weights if arguments == base.arguments else RANDOM,
        pretrained=base.pretrained if arguments == base.arguments else None,
        input_shape=tuple(size if extent == base.input_size else extent for extent in base.input_shape),
        arguments=arguments,
        libraries=declaration.libraries.get("_".join(architecture), {}),
    )


def select(patterns: Iterable[str], weights: str = "default") -> list[Network]:
    """The networks of names, families, globs and tags, in the order asked for, each once.

    `everything` is every network and listed variant; a family gives its networks at their default
    size; a glob matches listed names; `weights` as for `resolve`. Raises UsageError where a pattern matches nothing.
    """
    chosen: dict[str, Network] = {}
    for pattern in patterns:
        for name in _matching(pattern):
            chosen.setdefault(name, resolve(name, weights))
    return list(chosen.values())


def _matching(pattern: str) -> list[str]:
    known = declarations()
    if pattern == "everything":
        return listed_names()
    if ":" in pattern or pattern in known:
        return [pattern]
    grouped = [name for name, entry in known.items() if pattern in entry.base.tags or pattern == entry.base.family]
    if grouped:
        return grouped
    if any(sign in pattern for sign in "*?["):
        matched = fnmatch.filter(listed_names(), pattern)
        if matched:
            return matched
        raise UsageError(f"no network matches {pattern}", hint="`bench models everything` lists all of them")
    return [pattern]


def _unknown(name: str) -> UsageError:
    known = declarations()
    groups = {entry.base.family for entry in known.values()} | {tag for e in known.values() for tag in e.base.tags}
    candidates = [*listed_names(), *sorted(groups), "everything"]
    nearest = difflib.get_close_matches(name, candidates, n=3, cutoff=0.5)
    suggestion = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    return UsageError(f"unknown network {name}", hint=f"{suggestion}`bench models everything` lists all of them")
