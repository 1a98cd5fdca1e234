"""Fusion strategies: from the logits of the multimodal and the unimodal branches to one.

z_m, z_t, z_a, z_v are the logits of the branches, s(x) is the logistic function:

    sum    log s(z_m + z_t + z_a + z_v)
    hm     log(p / (1 + p)),  p = s(z_m) s(z_t) s(z_a) s(z_v)
    tanh   z_m + tanh z_t + tanh z_a + tanh z_v
    mask   z_m s(z_t + z_a + z_v)

Source: CausalMER's published code; `sum` and `hm` go back to CF-VQA (Niu et al., CVPR 2021, eq. 9 and 10), `tanh`
to Chen et al., ACL 2023, `mask` to CausalABSC. The published `sum` and `hm` add 1e-12 inside the logarithm. By
default they are computed in log space, which needs no such bias and keeps its gradient for large logits.

`sum` and `hm` are at most 0: under an L1 loss they cannot predict a positive score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.errors import unknown_name

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


PUBLISHED_EPSILON = 1e-12


def fuse_sum_published(z_m: Tensor, z_t: Tensor, z_a: Tensor, z_v: Tensor) -> Tensor:
    """`log(s(z_m + z_t + z_a + z_v) + 1e-12)`: flat below about -28, where its gradient vanishes."""
    return ((z_m + z_t + z_a + z_v).sigmoid() + PUBLISHED_EPSILON).log()


def fuse_hm_published(z_m: Tensor, z_t: Tensor, z_a: Tensor, z_v: Tensor) -> Tensor:
    """`log(p + 1e-12) - log(1 + p)` with p the product of the branches' logistic functions."""
    p = z_m.sigmoid() * z_t.sigmoid() * z_a.sigmoid() * z_v.sigmoid()
    return (p + PUBLISHED_EPSILON).log() - p.log1p()


FUSIONS: dict[str, Fusion] = {"sum": fuse_sum, "hm": fuse_hm, "tanh": fuse_tanh, "mask": fuse_mask}
PUBLISHED_FUSIONS: dict[str, Fusion] = {**FUSIONS, "sum": fuse_sum_published, "hm": fuse_hm_published}


def fusion(name: str, form: Literal["log_space", "published"] = "log_space") -> Fusion:
    """The strategy of that name, in the form that `model.fusion_form` names.

    Raises:
        UserError: there is none; the message lists what is allowed.
    """
    known = PUBLISHED_FUSIONS if form == "published" else FUSIONS
    if name not in known:
        raise unknown_name("fusion strategy", name, known)
    return known[name]
