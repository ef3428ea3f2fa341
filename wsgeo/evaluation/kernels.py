"""The arithmetic of a forward pass: linear layers with what follows them, in the fastest exact way.

Libraries differ in how fast they multiply float32 matrices on a processor, and by rounding in what
they return. Which is fastest is tried when a scan begins, and named in the key of every loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from torch import Tensor

_REPEATS = 5
_LEAST = 0.03  # seconds
_ROWS = 1024
_EXACT = 1e-5  # relative to the largest value; bfloat16 errs by 4e-3


class Linear(Protocol):
    """A linear layer, with an activation after it or a summand."""

    def __call__(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        *,
        activation: str | None = None,
        add: Tensor | None = None,
    ) -> Tensor:
        """Return ``activation(x @ weight.T + bias)``, or ``x @ weight.T + bias + add``."""


def activate(name: str, x: Tensor) -> Tensor:
    """Return an activation of a tensor."""
    import torch

    functional = torch.nn.functional
    if name == "gelu_tanh":
        return functional.gelu(x, approximate="tanh")
    kernel: Callable[[Tensor], Tensor] = torch.tanh if name == "tanh" else getattr(functional, name)
    return kernel(x)


def plain(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    activation: str | None = None,
    add: Tensor | None = None,
) -> Tensor:
    """Multiply with torch's own choice of library, on any device."""
    import torch

    y = torch.nn.functional.linear(x, weight, bias)
    if activation is not None:
        return activate(activation, y)
    return y if add is None else y.add_(add)


def onednn(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    activation: str | None = None,
    add: Tensor | None = None,
) -> Tensor:
    """Multiply with oneDNN, which adds or activates before the product leaves the cache."""
    import torch

    kernel = torch.ops.mkldnn._linear_pointwise
    if add is not None:
        return _tensor(kernel.binary(x, add, weight, bias, "add"))
    fused = _FUSED.get(activation or "")
    if activation is None or fused is not None:
        return _tensor(kernel(x, weight, bias, *(fused or ("none", [], ""))))
    return activate(activation, _tensor(kernel(x, weight, bias, "none", [], "")))


_FUSED: Final[Mapping[str, tuple[str, list[float], str]]] = {
    "gelu": ("gelu", [], "none"), "gelu_tanh": ("gelu", [], "tanh"),
    "relu": ("relu", [], ""), "tanh": ("tanh", [], ""),
}  # fmt: skip

# Two kernels differ in the eighth digit, and two runs of one zoo should not: what is nearly as fast
# is not a reason to leave the other, which fuses sums and activations besides.
_WORTH = 1.5

KERNELS: Final[Mapping[str, Linear]] = {"plain": plain, "onednn": onednn}
"""Ways to multiply, by the name that the keys of losses hold."""


def fastest(
    width: int, wide: int, names: tuple[str, ...] = tuple(KERNELS), precision: str = "fp32"
) -> str:
    """Return the fastest kernel that is exact, in processor time of one thread.

    The plain one is returned only where it is faster by half or more.

    Parameters
    ----------
    width, wide : int
        Of a model and its feed-forward layers.
    names : tuple of str
        Which to try.
    precision : str, default 'fp32'
        Number format in which they are timed; in float32 they are to be exact either way.

    Returns
    -------
    str
        A key of `KERNELS`; ``plain`` where another errs or is not there.
    """
    import torch

    with torch.inference_mode():
        arguments = _product(width, wide)
        truth = torch.nn.functional.linear(*(each.double() for each in arguments))
        exact = [
            name for name in names if name == "plain" or _is_exact(KERNELS[name], arguments, truth)
        ]
    seconds = {name: _seconds_of(name, width, wide, precision) for name in exact}
    return min(seconds, key=lambda name: seconds[name] * (_WORTH if name == "plain" else 1.0))


def speedup(kernel: str, width: int, wide: int) -> float:
    """Return how many times faster a kernel multiplies bfloat16 than float32 on this processor.

    Parameters
    ----------
    kernel : str
        A key of `KERNELS`.
    width, wide : int
        Of a model and its feed-forward layers.

    Returns
    -------
    float
        Ratio of processor times of one thread.
    """
    exact, rounded = (_seconds_of(kernel, width, wide, format_) for format_ in ("fp32", "bf16"))
    return exact / rounded


def _product(width: int, wide: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return states, weight and bias of a layer."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.randn(_ROWS, width), torch.randn(wide, width), torch.randn(wide)


def _seconds_of(name: str, width: int, wide: int, precision: str) -> float:
    import torch

    format_ = torch.bfloat16 if precision == "bf16" else torch.float32
    x, weight, bias = (each.to(format_) for each in _product(width, wide))
    with torch.inference_mode():
        return _seconds(lambda: KERNELS[name](x, weight, bias))


def _is_exact(kernel: Linear, arguments: tuple[Tensor, Tensor, Tensor], truth: Tensor) -> bool:
    try:
        error = (kernel(*arguments) - truth).abs().max() / truth.abs().max()
    except (AttributeError, NotImplementedError, RuntimeError):
        return False  # a private operator may be gone, or unfit for this processor
    return bool(error < _EXACT)


def _seconds(call: Callable[[], object]) -> float:
    """Return the least processor time of a call, of so many that a busy machine spares one."""
    call()
    seconds: list[float] = []
    while len(seconds) < _REPEATS or sum(seconds) < _LEAST:
        started = time.process_time()
        call()
        seconds.append(time.process_time() - started)
    return min(seconds)


def _tensor(found: Any) -> Tensor:
    tensor: Tensor = found
    return tensor
