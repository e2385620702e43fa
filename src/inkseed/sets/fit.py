"""Put a typeset number on paper of the size that a trainer wants: whole, and never distorted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fit:
    """How numbers stand on their paper."""

    height: int = 32
    width: int | None = 128
    margin: tuple[float, float] = (2, 2)
    spacing: tuple[float, float] = (0, 0)
    align: str = "centre"
    cells: bool = False
