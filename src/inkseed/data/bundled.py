"""The bundled files of MNIST's digits and of who wrote them, each checked before it is believed."""

from pathlib import Path

from inkseed.errors import InkseedError
from inkseed.files import sha256

FOLDER = Path(__file__).parent / "files"
SHA256 = {  # of MNIST's gzipped files as published, and of ours
    "mnist-test-writers.u2.gz": (
        "09c3f62d3e3334474f109f752ba373a9c41a340aacaec9c8aa807d404a1811ea"
    ),
    "mnist-train-writers.u2.gz": (
        "5dc6c14b5e396716d569da62a6ae838d7f897bc99408a25cfd263e4091046be1"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b"
    ),
    "train-images-idx3-ubyte.gz": (
        "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971"
    ),
    "train-labels-idx1-ubyte.gz": (
        "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203"
    ),
}


def checked(path: Path) -> Path:
    """The path of a file that has the SHA-256 of its name. Raises InkseedError for any other."""
    try:
        found = sha256(path)
    except OSError as error:
        raise InkseedError(f"cannot read {path}: {error.strerror or error}") from error
    if found != SHA256[path.name]:
        raise InkseedError(
            f"{path} is not the file that inkseed knows (SHA-256 differs): reinstall"
        )
    return path
