"""`inkseed page`."""

from pathlib import Path
from typing import Annotated

from inkseed import say
from inkseed.cli.options import ModelName, load_model, output_option


def page(
    out: Annotated[Path, output_option("The .html file to write.")],
    model: ModelName = "digits-fast",
) -> None:
    """Make one HTML file that writes numbers in a browser: no server, no network, no Python."""
    from inkseed.files import check_writable

    check_writable(out, (".html",))
    loaded = load_model(model, "cpu", None)
    from inkseed.export.page import save_page

    save_page(loaded, Path(model).stem if Path(model).suffix else model, out)
    say.out(out)
