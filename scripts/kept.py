"""Keep what every evaluation needs of MNIST's own images: python scripts/kept.py

Judge B's features of parts A and B, and which image of theirs is nearest to each of validation and
of the test set. Run it when judge B is taught anew: without the file, or with another judge's,
`inkseed evaluate` finds them each time, which takes longer than all else in it.
"""

from inkseed import say
from inkseed.checkpoint import save_tensors
from inkseed.cli import mistakes_in_one_line
from inkseed.data import join, split_mnist
from inkseed.evaluation.evaluation import held_out_digits
from inkseed.evaluation.kept import KEPT, as_kept, name_of
from inkseed.evaluation.measure import pixels
from inkseed.evaluation.neighbours import nearest
from inkseed.judges import JudgeB


def main() -> None:
    judge, split = JudgeB(), split_mnist()
    parts = [split.part_a, split.part_b]
    features = {name_of(each.images): judge.read(each.images)[1] for each in parts}
    training = pixels(join(parts).images)
    nearest_to = {
        name_of(each.images): nearest(pixels(each.images), training)[1]
        for each in (split.validation, held_out_digits(final=True))
    }
    about = {"judge_sha256": judge.sha256, "training": len(training)}
    save_tensors(KEPT, as_kept(features, nearest_to), about)
    say.out(f"{KEPT.name}: {KEPT.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    with mistakes_in_one_line():
        main()
