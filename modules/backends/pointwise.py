"""1x1 convolutions whose sums do not depend on the number of threads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class PointwiseConv(nn.Conv2d):
    """A 1x1 convolution that gives the same bits whatever the number of threads.

    In float32 on a CPU torch's own sums a pixel's channels in as many parts as there are threads, so that the same seed would give
    another picture on another machine. A matrix product gives the sums of one thread, in the layout of its input, as fast.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type != "cpu" or input.dtype != torch.float32:
            return super()._conv_forward(input, weight, bias)
        result = functional.linear(input.permute(0, 2, 3, 1), weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)
        return result.contiguous() if input.is_contiguous() else result


def replace_pointwise(module: nn.Module) -> None:
    """Make every 1x1 convolution below `module` a `PointwiseConv`."""
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Conv2d and layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.groups == 1:
                setattr(parent, name, PointwiseConv(layer.in_channels, layer.out_channels, 1, bias=layer.bias is not None))
