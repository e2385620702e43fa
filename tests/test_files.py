"""Outputs: what is there already, links, modes, folders; what killed processes left."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkseed.errors import InkseedError
from inkseed.files import (
    check_writable,
    write_atomically,
    write_files,
    write_folder,
    write_json,
    write_text,
)
from inkseed.held import TEMPORARY, alone_in, claimed, clear_unfinished, scratch

NEW, OLD = b"new", b"old"
# A process that is killed while it writes: it leaves what kill -9 leaves.
KILLED = """
import os, sys
from pathlib import Path
from inkseed.held import scratch
with scratch(Path(sys.argv[1]), sys.argv[2]) as place:
    (place / "half").write_text("half")
    (place / "folder").mkdir()
    os._exit(9)
"""


def write(path: Path, content: bytes = NEW) -> None:
    write_atomically(path, lambda opened: opened.write(content))


def put_two(folder: Path) -> None:
    for name in "01":
        (folder / name).mkdir()
        (folder / name / "a.png").write_bytes(NEW)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def hidden(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{TEMPORARY}*"))


def killed_while_writing(home: Path, name: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(home), name])
    assert done.returncode == 9


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_new_file_obeys_the_umask_and_a_rewritten_one_keeps_its_mode(tmp_path):
    write(tmp_path / "new" / "file")
    assert mode(tmp_path / "new" / "file") == 0o640
    assert mode(tmp_path / "new") == 0o750
    own = tmp_path / "own"
    own.write_bytes(OLD)
    own.chmod(0o604)
    write(own)
    assert (own.read_bytes(), mode(own)) == (NEW, 0o604)
    write_folder(tmp_path / "set", put_two)
    assert mode(tmp_path / "set") == mode(tmp_path / "set" / "0") == 0o750
    assert mode(tmp_path / "set" / "0" / "a.png") == 0o640
    assert hidden(tmp_path) == []


def test_the_file_that_a_link_leads_to_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "far").mkdir()
    for name, there in (("old", True), ("none", False)):
        target, link = tmp_path / "far" / name, tmp_path / f"{name}.png"
        if there:
            target.write_bytes(OLD)
        link.symlink_to(target)
        assert check_writable(link, (".png",)) == link
        write(link)
        assert link.is_symlink()
        assert not target.is_symlink()
        assert target.read_bytes() == NEW
    round_and_round = tmp_path / "round.png"
    round_and_round.symlink_to(round_and_round)
    with pytest.raises(InkseedError, match="leads back to itself"):
        check_writable(round_and_round, (".png",))
    assert hidden(tmp_path) == []


def test_a_pipe_or_a_device_is_refused_for_every_output(tmp_path):
    pipe, device, folder = (tmp_path / name for name in ("pipe.png", "device.png", "folder"))
    os.mkfifo(pipe)
    os.mkfifo(folder)
    device.symlink_to("/dev/null")
    for path in (pipe, device, folder):
        with pytest.raises(InkseedError, match="a pipe or a device"):
            check_writable(path, (".png", ""))
    for path in (pipe, device):
        with pytest.raises(InkseedError, match="a pipe or a device"):
            write(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_write_protected_file_is_refused(tmp_path):
    path = tmp_path / "mine.png"
    path.write_bytes(OLD)
    path.chmod(0o444)
    with pytest.raises(InkseedError, match="write-protected"):
        check_writable(path, (".png",))


@pytest.mark.parametrize("kind", ["new", "empty", "link", "link to nothing", "left"])
def test_a_folder_is_filled_wherever_it_is(tmp_path, kind):
    target, path = tmp_path / "far", tmp_path / "set"
    if kind == "new":
        target = path
    else:
        path.symlink_to(target)
        if kind == "empty":
            path = target
        if kind != "link to nothing":
            target.mkdir(mode=0o700)
        if kind == "left":
            killed_while_writing(target, "far")
            assert hidden(target)
    before = target.stat().st_ino if target.exists() else None
    check_writable(path, ("",))
    write_folder(path, put_two)
    assert sorted(each.name for each in target.iterdir()) == ["0", "1"]
    assert before in (None, target.stat().st_ino)  # the folder itself, be it a mounted volume
    assert hidden(tmp_path) == []
    with pytest.raises(InkseedError, match="not an empty folder"):
        write_folder(path, put_two)


def test_a_finished_set_is_kept_where_it_cannot_be_put_in_place(tmp_path, monkeypatch):
    def refuse(made, target):
        if target.parent == tmp_path:
            raise OSError(errno.EPERM, "not permitted")
        return rename(made, target)

    rename = Path.rename
    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InkseedError, match="it is whole, and is now ") as told:
        write_folder(tmp_path / "set", put_two)
    kept = Path(str(told.value).rpartition(" ")[2])
    assert sorted(each.name for each in kept.iterdir()) == ["0", "1"]
    with pytest.raises(InkseedError, match="it is whole, and is now ") as told:
        write(tmp_path / "n.png")
    assert Path(str(told.value).rpartition(" ")[2]).read_bytes() == NEW
    assert hidden(tmp_path) == []


def test_a_file_that_is_mounted_by_itself_is_filled(tmp_path, monkeypatch):
    def busy(*_):
        raise OSError(errno.EBUSY, "Device or resource busy")

    path = tmp_path / "volume.png"
    path.write_bytes(OLD)
    before = path.stat().st_ino
    monkeypatch.setattr(Path, "replace", busy)
    write(path)
    assert (path.read_bytes(), path.stat().st_ino) == (NEW, before)


def test_what_fails_leaves_nothing(tmp_path):
    def fail(opened):
        opened.write(NEW)
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", fail)
    with pytest.raises(InkseedError, match="cannot write"):
        write_folder(tmp_path / "set", lambda folder: (folder / "no" / "where").mkdir())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == OLD


def test_an_exclusive_file_replaces_none(tmp_path, monkeypatch):
    write_text(tmp_path / "a", "first", exclusive=True)
    with pytest.raises(InkseedError, match="exists"):
        write_text(tmp_path / "a", "second", exclusive=True)
    assert (tmp_path / "a").read_text() == "first"

    def no_links(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    write_text(tmp_path / "b", "first", exclusive=True)
    assert (tmp_path / "b").read_text() == "first"
    assert hidden(tmp_path) == []


def test_who_writes_again_clears_what_a_killed_process_left(tmp_path):
    killed_while_writing(tmp_path, "set.npz")
    assert len(hidden(tmp_path)) == 1
    write_json(tmp_path / "set.npz", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["set.npz"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with scratch(tmp_path, "set.npz") as one, scratch(tmp_path, "set.npz") as other:
        assert one != other
        clear_unfinished(tmp_path)
        assert one.is_dir()
        assert other.is_dir()
        write(tmp_path / "set.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["set.npz"]


def test_clearing_leaves_what_others_made_or_hold(tmp_path):
    run, other = tmp_path / "run", tmp_path / "other"
    for folder in (run, other, run / "state"):
        folder.mkdir()
    (run / "samples").symlink_to(other)
    killed_while_writing(run / "state", "last")
    killed_while_writing(other, "theirs")
    (theirs,) = hidden(other)
    (run / ".inkseed-notes").write_text("somebody's")
    named_alike = run / ".inkseed-01234567-0"
    named_alike.mkdir()
    (named_alike / "thesis").write_text("somebody's")
    (run / ".inkseed-01234567-1").symlink_to(theirs)
    with scratch(run, "held") as held:
        clear_unfinished(run)
        assert held.is_dir()
    assert hidden(run / "state") == []
    assert (theirs / "half").exists()
    assert {path.name for path in run.iterdir()} == {
        *("state", "samples", ".inkseed-notes", named_alike.name, ".inkseed-01234567-1")
    }
    assert (named_alike / "thesis").exists()


def test_a_hidden_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    with scratch(tmp_path, "a.png") as own:
        pass
    own.symlink_to(tmp_path)  # as somebody might lay a trap in /tmp
    with scratch(tmp_path, "a.png") as place:
        assert place != own
    own.unlink()
    own.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: own.stat().st_uid + 1)
    assert not clear_unfinished(tmp_path)
    assert own.is_dir()


def test_a_suffix_in_capitals_holds_the_data(inkseed, tiny_model, tmp_path):
    names = {"S.NPZ": np.load, "S.PNG": Image.open}
    for name, opener in names.items():
        out, trace = tmp_path / name, tmp_path / "T.GIF"
        asked = ("sample", "--labels", 3, "--count", 1, "--model", tiny_model, "--out", out)
        assert inkseed(*asked, "--trace", trace).status == 0
        with opener(out), Image.open(trace):
            assert {path.name for path in tmp_path.iterdir()} == {name, "T.GIF"}
        out.unlink()


def test_samples_fill_an_empty_folder_behind_a_link(inkseed, tiny_model, tmp_path, monkeypatch):
    (tmp_path / "volume").mkdir()
    (tmp_path / "set").symlink_to(tmp_path / "volume")
    asked = ("sample", "--labels", "3,5", "--count", 1, "--model", tiny_model, "--out")
    assert inkseed(*asked, tmp_path / "set").status == 0
    assert sorted(each.name for each in (tmp_path / "volume").iterdir()) == ["3", "5"]
    refused = inkseed(*asked, tmp_path / "set")
    assert (refused.status, "not an empty folder" in refused.err) == (2, True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert inkseed(*asked, ".").status == 0
    assert sorted(each.name for each in Path.cwd().iterdir()) == ["3", "5"]


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "--out", ""],
        ["sample", "--out", "a.npz", "--trace", ""],
        ["write", "1", "--out", ""],
        ["write", "1", "--count", "2", "--boxes", "--out", ""],
        ["write", "1", "--count", "2", "--boxes", "--out", "."],
        ["write", "1", "--save-hand", ""],
        ["evaluate", "set.npz", "--out", ""],
        ["noise-study", "--out", ""],
        ["train", "smoke", "--out", ""],
    ],
)
def test_an_empty_name_is_one_line(inkseed, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    refused = inkseed(*words)
    assert refused.status == 2
    assert len(refused.err.strip().splitlines()) == 1
    assert ("empty" in refused.err) == ("." not in words)
    assert list(tmp_path.iterdir()) == []


def test_boxes_obey_the_umask_too(inkseed, tiny_model, tmp_path, umask):
    out = tmp_path / "n.png"
    assert inkseed("write", 1, "--boxes", "--model", tiny_model, "--out", out).status == 0
    assert mode(out) == mode(out.with_suffix(".json")) == 0o640
    assert json.loads(out.with_suffix(".json").read_text())["picture"] == "n.png"


def test_files_are_put_beside_others_each_whole(tmp_path):
    home = tmp_path / "set"
    write_files(home, "shard 0", put_two)
    (home / "0" / "mine.txt").write_bytes(OLD)
    (home / "1" / "a.png").write_bytes(OLD)
    killed_while_writing(home, "shard 0")
    assert hidden(home)
    made = write_files(home, "shard 0", put_two)
    assert made == {f"{k}/a.png": len(NEW) for k in (0, 1)}
    assert (home / "0" / "mine.txt").read_bytes() == OLD
    assert (home / "1" / "a.png").read_bytes() == NEW
    assert hidden(home) == []

    def fail(folder):
        put_two(folder)
        raise OSError(errno.ENOSPC, "No space left on device")

    (home / "1" / "a.png").write_bytes(OLD)
    with pytest.raises(InkseedError, match="No space left"):
        write_files(home, "shard 0", fail)
    assert (home / "1" / "a.png").read_bytes() == OLD
    assert hidden(home) == []


def test_a_folder_is_held_by_one_at_a_time(tmp_path):
    with alone_in(tmp_path) as first:
        with alone_in(tmp_path) as second:
            assert (first, second) == (True, False)
        with alone_in(tmp_path) as third:
            assert not third
    with alone_in(tmp_path) as again:
        assert again


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch, code):
    def flock(descriptor, operation):
        raise OSError(code, "no locks here")

    monkeypatch.setattr("fcntl.flock", flock)
    write_text(tmp_path / "a.txt", "whole")
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
    with claimed(tmp_path / "run"):
        with pytest.raises(InkseedError, match="a run is going on"), claimed(tmp_path / "run"):
            pass
        (tmp_path / "run" / "kept").touch()
    assert [each.name for each in (tmp_path / "run").iterdir()] == ["kept"]


def test_a_name_too_long_is_found_out_first_wherever_it_is_to_lie(tmp_path):
    for path in (tmp_path / "new" / f"{'a' * 252}.npz", tmp_path / ("b" * 256) / "a.npz"):
        with pytest.raises(InkseedError, match="too long"):
            check_writable(path, (".npz",))
    assert not [*tmp_path.iterdir()]


def test_what_inkseed_did_not_make_is_not_nothing(tmp_path):
    (tmp_path / ".inkseed-mine").mkdir()
    with pytest.raises(InkseedError, match="not an empty folder"):
        check_writable(tmp_path, ("",))
