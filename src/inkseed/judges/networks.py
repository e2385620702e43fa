"""The judges' networks: two small classifiers that share neither architecture nor data."""

from torch import Tensor, nn


class PlainNet(nn.Sequential):
    """Judge A's network: four convolutions, two dense layers; (N, 1, 28, 28) -> logits (N, K)."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__(
            *_convolution(1, 32, stride=2),  # 14x14
            *_convolution(32, 48),
            *_convolution(48, 96, stride=2),  # 7x7
            *_convolution(96, 96),
            nn.MaxPool2d(2),  # 3x3
            nn.Flatten(),
            nn.Linear(96 * 9, 128),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(128, n_classes),
        )


class ResidualNet(nn.Module):
    """Judge B's network: residual blocks on space-to-depth input, averaged into 64 features.

    `features` (N, 1, 28, 28) -> (N, 64) is the penultimate layer, in which distances between sets
    are measured; calling the network gives logits (N, K).
    """

    n_features = 64

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),  # 14x14
            nn.Conv2d(4, 32, 3, padding=1),
            ResidualBlock(32),
            nn.PixelUnshuffle(2),  # 7x7
            nn.Conv2d(128, 96, 1),
            ResidualBlock(96),
            ResidualBlock(96),
            nn.Conv2d(96, self.n_features, 1),
            nn.BatchNorm2d(self.n_features),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(self.n_features, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """The averaged activations (N, 64) that the last layer reads."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


class ResidualBlock(nn.Module):
    """Normalise, activate, convolve, twice, and add to the input (He et al., arXiv 1603.05027)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.change(x)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
