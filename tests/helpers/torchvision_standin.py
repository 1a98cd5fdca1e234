"""ResNet-18 with torchvision's names, which is not a dependency: for checkpoints that were written with it."""

from __future__ import annotations

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """torchvision's block of ResNet-18, by its names."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """A residual block."""
        kept = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + kept)


class ResNet(nn.Module):
    """ResNet-18 with one input channel, by torchvision's names; it keeps its kind of norm as an attribute."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self._norm_layer = nn.BatchNorm2d
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        width = 64
        for stage, wide in enumerate((64, 128, 256, 512), start=1):
            blocks = BasicBlock(width, wide, 1 if stage == 1 else 2), BasicBlock(wide, wide, 1)
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
            width = wide
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images `(B, 1, H, W)`."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(self.avgpool(x).flatten(1))
