"""LMDB as CRNN, PARSeq and their kin read it: `image-%09d` and `label-%09d` from 1, `num-samples`.

Shards leave tar files; one process joins them, since LMDB has one writer.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from inkseed.errors import warn
from inkseed.files import write_atomically
from inkseed.registry import FORMATS
from inkseed.sets.extra import needed
from inkseed.sets.formats.parts import check_count, join_once, part_path, parts_of
from inkseed.sets.formats.picture_folder import decode, encode
from inkseed.sets.formats.registry import Row, Shape
from inkseed.sets.formats.tar_files import read_tar, write_tar
from inkseed.sets.labelled_number import LabelledNumber

NAME = "data.mdb"  # as LMDB itself calls it in a folder
COUNT = b"num-samples"
READ_BY_DEFAULT = 25  # digits: PARSeq drops longer labels without a word
PAGE = 4096  # bytes: LMDB's unit, of which an entry fills the last but in part
AT_ONCE = 1000  # entries between two commits: uncommitted ones are held in memory


@FORMATS.register("lmdb", lambda made: made())
class Lmdb:
    """`data.mdb`, whose folder is what such trainers are given."""

    def check(self, shape: Shape) -> None:
        """Refuse where LMDB is not installed, and warn of labels that PARSeq drops."""
        needed("lmdb")
        if shape.longest > READ_BY_DEFAULT:
            warn(
                f"PARSeq drops labels of more than {READ_BY_DEFAULT} digits without a word: set its"
                f" data.max_label_length to {shape.longest}"
            )

    def write_shard(self, into: Path, shard: int, numbers: Sequence[LabelledNumber]) -> None:
        """Write the shard's images as a tar file, to be joined."""
        members = ((f"{number.index:09d}.png", encode(number.image)) for number in numbers)
        write_tar(part_path(into, shard, ".tar"), members)

    def finish(self, folder: Path, rows: Sequence[Row]) -> None:
        """Join the tar files, and put the labels beside their images."""

        def join() -> None:
            write_atomically(folder / NAME, lambda opened: _write(opened, folder, rows))

        join_once(folder, [folder / NAME], join)

    def read(self, folder: Path) -> Iterator[LabelledNumber]:
        """Read the images in order."""
        with (
            needed("lmdb").open(str(folder), readonly=True, create=False, lock=False) as opened,
            opened.begin() as held,
        ):
            for k in range(int(held.get(COUNT))):
                label, image = held.get(_key("label", k)).decode(), held.get(_key("image", k))
                yield LabelledNumber(k, label, decode(image), [])


def _write(opened: BinaryIO, folder: Path, rows: Sequence[Row]) -> None:
    """Keys are put in their order, which LMDB takes for granted and packs most densely."""
    parts = parts_of(folder, ".tar")
    most = 2 * sum(path.stat().st_size for path in parts) + 2 * PAGE * (len(rows) + 100)
    store = needed("lmdb").open(opened.name, map_size=most, subdir=False, lock=False, sync=False)
    images = (image for path in parts for _, image in read_tar(path))
    with store:
        found = _put(store, ((_key("image", k), image) for k, image in enumerate(images)))
        check_count(folder, found, len(rows))
        _put(store, ((_key("label", k), row.label.encode()) for k, row in enumerate(rows)))
        _put(store, [(COUNT, str(len(rows)).encode())])


def _put(store: Any, entries: Iterable[tuple[bytes, bytes]]) -> int:
    """Append entries, committed a few at a time; how many there were."""
    count, left = 0, iter(entries)
    while some := list(islice(left, AT_ONCE)):
        with store.begin(write=True) as held:
            for key, value in some:
                held.put(key, value, append=True)
        count += len(some)
    return count


def _key(kind: str, k: int) -> bytes:
    return f"{kind}-{k + 1:09d}".encode()
