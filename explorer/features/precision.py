"""A model's large multiplications in fewer bits, where the processor is quicker with them."""

from __future__ import annotations

from typing import Any

import torch

from explorer.errors import InputError

LARGEST = 127  # of a signed byte; -128 is left out so that both signs are alike
LEAST = 1e-20  # what only holds zeros is divided by this


class ByteLinear(torch.nn.Module):
    """A linear layer in signed bytes: each output's weights and each token's values have a scale of their own.

    Dettmers et al. 2022, "LLM.int8()", arXiv:2208.07339, without its outliers. A token's scale is its own, unlike with torch's
    dynamic quantisation, which has one a batch: there a text's vector depended on the texts beside it (and agreed less with the
    exact one, see docs/decisions.md). The sums are exact.
    """

    def __init__(self, exact: torch.nn.Linear) -> None:
        super().__init__()
        weight = exact.weight.detach()
        scale = weight.abs().amax(1).clamp_min(LEAST) / LARGEST
        self.register_buffer("weight", (weight / scale[:, None]).round().to(torch.int8).t())
        self.register_buffer("scale", scale)
        self.bias = exact.bias

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """``(..., d)`` -> ``(..., width)`` float32."""
        rows = values.reshape(-1, values.shape[-1])
        scale = rows.abs().amax(1, keepdim=True).clamp_min(LEAST) / LARGEST
        sums = torch._int_mm((rows / scale).round_().to(torch.int8), self.weight)
        made = sums.float().mul_(scale).mul_(self.scale)
        if self.bias is not None:
            made.add_(self.bias)
        return made.view(*values.shape[:-1], -1)


def lowered(model: Any, arithmetic: str, device: torch.device) -> Any:
    """The model computing so, changed in place; what comes out of it is float32 as before.

    Raises
    ------
    InputError
        When the device cannot.
    """
    if arithmetic == "int8":
        if device.type != "cpu":
            raise InputError(f"arithmetic=int8 is for processors, and this runs on {device.type}; take bfloat16, or device=cpu")
        _in_bytes(model)
    elif arithmetic == "bfloat16":
        model.to(torch.bfloat16)
    return model


def _in_bytes(module: Any) -> None:
    for name, child in list(module.named_children()):
        if type(child) is torch.nn.Linear:
            setattr(module, name, ByteLinear(child))
        else:
            _in_bytes(child)


def slower(arithmetic: str, device: torch.device) -> str:
    """A sentence if this processor has no instructions for it, so that it takes longer than float32; else nothing."""
    if device.type != "cpu":
        return ""
    able = {"bfloat16": "avx512_bf16", "int8": "avx512_vnni"}.get(arithmetic)
    there = torch.cpu.get_capabilities()
    if able is None or there.get(able) or (arithmetic == "bfloat16" and there.get("bf16")):
        return ""
    return f"this processor has no instructions for arithmetic={arithmetic}, so it may be slower than float32"
