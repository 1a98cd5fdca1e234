"""DMD: decoupled multimodal distillation.

Source: Li, Wang, Cui, "Decoupled Multimodal Distilling for Emotion Recognition", CVPR 2023, section 3, and its
published code. The convolved features X_m of each modality m, with T_m steps of d = `hidden_dim` channels, are split
by maps of single steps (E, E_m, D_m have no bias) into a shared and a private part:

    C_m = E X_m,    S_m = E_m X_m,    R_m = D_m [S_m; C_m]

    y_m   (homogeneous)   = head(C_m flattened)
    y'_m  (heterogeneous) = head(h_m),    h_m: the last states of `crossmodal`, MulT on the private parts
    c     = [the last state of a self-attention over C_m, m = text, vision, audio],    y_c = head(c)
    logits = head([sigma(W_m h_m), m = text, vision, audio; sigma(W_c c)])

with head(x) = W_o (x + W_2 relu(W_1 x)), weights of its own in each place. Features are [h_text; h_vision; h_audio],
before the sigmoids. `auxiliary_loss` is the sum of these terms, each times its weight in `config.loss_weights`:

    tasks          = L(y_c) + sum_m (L(y_m) + L(y'_m))         L: the task loss; the caller adds L(logits)
    reconstruction = sum_m mean (R_m - X_m)^2
    cycle          = sum_m mean (E_m R_m - S_m)^2
    orthogonality  = mean over modalities, samples and steps of max(0, cos(S_m, C_m)), over channels
    margin         = the hinge of `dmd_losses.margin_loss` on A_m C_m, all modalities' samples in one set
    homogeneous_*, heterogeneous_*: of two `graph_distillation` units; the first compares y_m and relu(W_1 C_m), the
                   second y'_m and h_m + W_2 relu(W_1 h_m)

Padded steps are 0 before E, E_m and D_m, hence in every part. The means over steps leave them out.

Differences from the published code, which takes one score of CMU-MOSI or CMU-MOSEI a sample:
- Labels may be classes or emotions (`dmd_losses.label_distances` defines which are alike). Outputs and lengths follow
  the data. A modality that is not convolved keeps its length, which the published layers do not allow for.
- The published orthogonality does not run on current PyTorch, and took its cosines over samples before. It summed over
  modalities; this takes their mean, so the weight 0.01 counts a third here (0.03 would be equal).
- The published `proj_cosine_*` are left out: no term reads them.

Choices that follow the code and not the paper:
- The margin grows with the distance of the labels, and alike and unlike samples may be of any modality. In the paper
  the margin is constant, alike samples are of another modality and unlike ones of the same.
- The homogeneous representations are compared after their ReLU, which the published code applies in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from causalmer_core.backbones.base import BackboneOutput, InputShape
from causalmer_core.backbones.crossmodal import LETTER, CrossmodalBackbone, Masks, ResidualHead
from causalmer_core.backbones.dmd_losses import (
    Decoupled,
    cycle_loss,
    label_distances,
    margin_loss,
    orthogonality_loss,
    reconstruction_loss,
)
from causalmer_core.backbones.graph_distillation import Distillation, GraphDistillation
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Batch, Modality
from causalmer_core.config.backbone_config import DMDConfig
from causalmer_core.layers.padding import last_step
from causalmer_core.method.losses import task_loss

ORDER = (Modality.TEXT, Modality.VISION, Modality.AUDIO)
"""The published order of the modalities in distillation, before the last head, and so in the features."""

_HOMOGENEOUS = ("homogeneous_regularisation", "homogeneous_logits", "homogeneous_representations")
_HETEROGENEOUS = ("heterogeneous_regularisation", "heterogeneous_logits", "heterogeneous_representations")
_TRAINED_BY = {
    "decoder_.": ("reconstruction", "cycle"),
    "align_c_.": ("margin",),
    "(proj1|proj2|out_layer)_c": ("tasks",),
    "(proj1|proj2|out_layer)_._low": ("tasks", *_HOMOGENEOUS),
    "(proj1|proj2|out_layer)_._high": ("tasks", *_HETEROGENEOUS),
    "homogeneous": _HOMOGENEOUS,
    "heterogeneous": _HETEROGENEOUS,
}
"""The loss terms that train submodules without influence on the logits."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The values that DMD computes from a batch, before its losses.

    Attributes:
        decoupled: sequences and their parts by modality.
        aligned: A_m C_m by modality, `(batch, hidden_dim)`.
        homogeneous, heterogeneous: the heads on C_m and on h_m by modality.
        shared_logits: y_c, `(batch, outputs)`.
        logits: `(batch, outputs)`.
        features: `(batch, 6 hidden_dim)`.
    """

    decoupled: Mapping[Modality, Decoupled]
    aligned: Mapping[Modality, Tensor]
    homogeneous: Mapping[Modality, ResidualHead]
    heterogeneous: Mapping[Modality, ResidualHead]
    shared_logits: Tensor
    logits: Tensor
    features: Tensor


@final
class DMD(CrossmodalBackbone):
    """The DMD backbone.

    Steps beyond a sample's length are not attended to, are 0 in the flattened shared parts, and count in no mean.
    Submodules that no term of positive weight trains are frozen, such as the decoders without reconstruction and cycle.

    Args:
        config: widths, depths, dropouts, and the weights of the loss terms.
        shape: the data it is built for. Every batch must have its lengths, because some layers read all steps at once.

    Raises:
        UserError: a modality has fewer steps than its convolution is wide.
    """

    config_type = DMDConfig
    config: DMDConfig

    def __init__(self, config: DMDConfig, shape: InputShape) -> None:
        super().__init__(config, shape, text_dropout=config.text_dropout)
        self._shape = shape
        width = config.hidden_dim
        self.encoder_c = _pointwise(width, width)
        for modality in MODALITIES:
            self._add_layers_of(modality)
        self.weight_c = nn.Linear(3 * width, 3 * width)
        for suffix, inputs in (("_c", 3 * width), ("", 9 * width)):
            self._add_head(suffix, width=inputs, hidden=inputs, outputs=shape.num_outputs)
        self.homogeneous = GraphDistillation(
            shape.num_outputs, width, size=64, favoured=(0, 0, 1, 0, 1, 0), distance="l1"
        )
        self.heterogeneous = GraphDistillation(
            shape.num_outputs, 2 * width, size=32, favoured=(0, 0, 1, 0, 1, 1), distance="cosine"
        )
        self._term_weights = {name: w for name, w in config.loss_weights.model_dump().items() if w > 0}
        self._freeze_untrained_modules()

    @property
    def feature_width(self) -> int:
        """6 hidden_dim: two crossmodal streams for each of three modalities."""
        return 6 * self.config.hidden_dim

    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits `(B, outputs)`, features `(B, 6 hidden_dim)`, and the weighted sum of the loss terms in float32.

        Raises:
            UserError: the lengths of the batch differ from those that the network was built for.
        """
        parts = self.parts(batch)
        terms = self.loss_terms(parts, batch.labels)
        weighted = [weight * terms[name] for name, weight in self._term_weights.items()]
        auxiliary = torch.stack(weighted).sum() if weighted else terms["tasks"].new_zeros(())
        return BackboneOutput(parts.logits, parts.features, auxiliary)

    def parts(self, batch: Batch) -> Parts:
        """Everything that is computed from the features of a batch, before the losses.

        Raises:
            UserError: as `forward`.
        """
        self._check_lengths(batch)
        sequences, masks = self._projected(batch)
        decoupled = {m: self._decoupled(m, sequences[m], masks[m]) for m in MODALITIES}
        private = {m: part.private.transpose(1, 2) for m, part in decoupled.items()}
        shared = {m: part.shared.transpose(1, 2) for m, part in decoupled.items()}
        last = {m: self._last_state(private, masks, m) for m in MODALITIES}
        common = torch.cat([self._shared_state(shared, masks, m) for m in ORDER], dim=1)
        gated = [self._of("weight", m)(last[m]) for m in ORDER]
        fused = torch.sigmoid(torch.cat([*gated, self.weight_c(common)], dim=1))
        return Parts(
            decoupled=decoupled,
            aligned={m: self._of("align_c", m)(decoupled[m].shared.flatten(1)) for m in MODALITIES},
            homogeneous={m: self._head(f"_{LETTER[m]}_low", shared[m].flatten(1)) for m in MODALITIES},
            heterogeneous={m: self._head(f"_{LETTER[m]}_high", last[m]) for m in MODALITIES},
            shared_logits=self._head("_c", common).logits,
            logits=self._head("", fused).logits,
            features=torch.cat([last[m] for m in ORDER], dim=1),
        )

    def distillations(self, parts: Parts) -> tuple[Distillation, Distillation]:
        """The outputs of the homogeneous and the heterogeneous unit, over the modalities in `ORDER`, in float32."""
        low, high = ([heads[m] for m in ORDER] for heads in (parts.homogeneous, parts.heterogeneous))
        with _in_float32(parts.logits):
            return (
                self.homogeneous(_stacked(h.logits for h in low), _stacked(h.hidden for h in low)),
                self.heterogeneous(_stacked(h.logits for h in high), _stacked(h.residual for h in high)),
            )

    def loss_terms(self, parts: Parts, labels: Tensor) -> dict[str, Tensor]:
        """Every term by its name in `DMDLossWeights`, unweighted scalars in float32."""
        task = self._shape.task
        heads = (*parts.homogeneous.values(), *parts.heterogeneous.values())
        predictions = (parts.shared_logits, *(head.logits for head in heads))
        decoupled = parts.decoupled.values()
        homogeneous, heterogeneous = self.distillations(parts)
        with _in_float32(parts.logits):
            return {
                "tasks": torch.stack([task_loss(task, z.float(), labels) for z in predictions]).sum(),
                "reconstruction": reconstruction_loss(decoupled),
                "cycle": cycle_loss(decoupled),
                "orthogonality": orthogonality_loss(decoupled),
                "margin": margin_loss(
                    torch.cat(list(parts.aligned.values())), label_distances(task, labels).repeat(3, 3)
                ),
                **_named("homogeneous", homogeneous),
                **_named("heterogeneous", heterogeneous),
            }

    def _of(self, name: str, modality: Modality) -> nn.Module:
        return self.get_submodule(f"{name}_{LETTER[modality]}")

    def _add_layers_of(self, modality: Modality) -> None:
        letter, width, outputs = LETTER[modality], self.config.hidden_dim, self._shape.num_outputs
        steps = self._shape.lengths[modality] - self._kernels.get(modality, 1) + 1
        self.add_module(f"encoder_s_{letter}", _pointwise(width, width))
        self.add_module(f"decoder_{letter}", _pointwise(2 * width, width))
        self.add_module(f"align_c_{letter}", nn.Linear(steps * width, width))
        self.add_module(f"self_attentions_c_{letter}", self._encoder_of(modality))
        self.add_module(f"weight_{letter}", nn.Linear(2 * width, 2 * width))
        self._add_head(f"_{letter}_low", width=steps * width, hidden=width, outputs=outputs)
        self._add_head(f"_{letter}_high", width=2 * width, hidden=2 * width, outputs=outputs)

    def _freeze_untrained_modules(self) -> None:
        for name, module in self.named_children():
            for pattern, terms in _TRAINED_BY.items():
                if re.fullmatch(pattern, name) and self._term_weights.keys().isdisjoint(terms):
                    module.requires_grad_(False)

    def _check_lengths(self, batch: Batch) -> None:
        for modality in MODALITIES:
            given, allowed = batch[modality].shape[1], self._shape.lengths[modality]
            if given != allowed:
                raise UserError(
                    f"the batch has {given} {modality} steps; allowed: {allowed}, for which this DMD was built"
                )

    def _decoupled(self, modality: Modality, sequence: Tensor, mask: Tensor | None) -> Decoupled:
        projected = sequence.transpose(1, 2)
        private = self._of("encoder_s", modality)(projected)
        shared = self.encoder_c(projected)
        reconstructed = self._of("decoder", modality)(torch.cat([private, shared], dim=1))
        private_again = self._of("encoder_s", modality)(reconstructed)
        return Decoupled(projected, private, shared, reconstructed, private_again, mask)

    def _shared_state(self, shared: Mapping[Modality, Tensor], masks: Masks, modality: Modality) -> Tensor:
        attended = self._of("self_attentions_c", modality)(shared[modality], attended=masks[modality])
        return last_step(attended, masks[modality])


def _pointwise(inputs: int, outputs: int) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, kernel_size=1, bias=False)


def _in_float32(like: Tensor) -> torch.autocast:
    return torch.autocast(like.device.type, enabled=False)


def _stacked(tensors: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).float()


def _named(unit: str, distillation: Distillation) -> dict[str, Tensor]:
    return {
        f"{unit}_regularisation": distillation.regularisation,
        f"{unit}_logits": distillation.logits,
        f"{unit}_representations": distillation.representations,
    }
