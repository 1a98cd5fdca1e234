"""Fusion strategies: how the logits of the multimodal and the three unimodal branches become one.

With z_m, z_t, z_a, z_v the logits of the branches and s(x) the logistic function:

    sum    log s(z_m + z_t + z_a + z_v)
    hm     log(p / (1 + p)),  p = s(z_m) s(z_t) s(z_a) s(z_v)
    tanh   z_m + tanh z_t + tanh z_a + tanh z_v
    mask   z_m s(z_t + z_a + z_v)

Source: CausalMER's published code; `sum` and `hm` go back to CF-VQA (Niu et al., CVPR 2021, eq. 9 and 10), `tanh`
to Chen et al., ACL 2023, `mask` to CausalABSC. The published `sum` and `hm` add 1e-12 inside the logarithm; here
they are computed in log space, which needs no such bias and stays finite for large logits.

`sum` and `hm` are at most 0: under an L1 loss they cannot predict a positive score.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.errors import unknown_name

Fusion = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""`(z_m, z_t, z_a, z_v) -> z`, elementwise over logits of equal or broadcastable shapes."""


def fuse_sum(z_m: Tensor, z_t: Tensor, z_a: Tensor, z_v: Tensor) -> Tensor:
    """`log s(z_m + z_t + z_a + z_v)`."""
    return F.logsigmoid(z_m + z_t + z_a + z_v)


def fuse_hm(z_m: Tensor, z_t: Tensor, z_a: Tensor, z_v: Tensor) -> Tensor:
    """`log(p / (1 + p))` with p the product of the branches' logistic functions."""
    log_p = F.logsigmoid(z_m) + F.logsigmoid(z_t) + F.logsigmoid(z_a) + F.logsigmoid(z_v)
    return log_p - log_p.exp().log1p()


def fuse_tanh(z_m: Tensor, z_t: Tensor, z_a: Tensor, z_v: Tensor) -> Tensor:
    """`z_m + tanh z_t + tanh z_a + tanh z_v`."""
    return z_m + z_t.tanh() + z_a.tanh() + z_v.tanh()


def fuse_mask(z_m: Tensor, z_t: Tensor, z_a: Tensor, z_v: Tensor) -> Tensor:
    """`z_m s(z_t + z_a + z_v)`."""
    return z_m * (z_t + z_a + z_v).sigmoid()


FUSIONS: dict[str, Fusion] = {"sum": fuse_sum, "hm": fuse_hm, "tanh": fuse_tanh, "mask": fuse_mask}


def fusion(name: str) -> Fusion:
    """The strategy of that name.

    Raises:
        UserError: there is none; the message lists what is allowed.
    """
    if name not in FUSIONS:
        raise unknown_name("fusion strategy", name, FUSIONS)
    return FUSIONS[name]
