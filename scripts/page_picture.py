"""The picture of the page in docs/page.md, taken in Chromium: python scripts/page_picture.py"""

import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from inkseed.export.page import save_page
from inkseed.model.loading import load

MODEL, SHOWN = "digits-fast", "#n=00297375&seed=2&slant=14&thickness=2.8"
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "page.png"
SIZE = {"width": 1280, "height": 1080}
COLOURS = 64
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Make the page, open it, and keep what it looks like."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        save_page(load(MODEL), MODEL, path)
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(path.as_uri() + SHOWN)
        expect(page.locator("#said")).to_contain_text("thread", timeout=60_000)
        page.evaluate("document.getElementById('said').textContent = ''")  # its time differs
        page.screenshot(path=PICTURE)
        browser.close()
    picture = Image.open(PICTURE).convert("RGB")
    picture.quantize(COLOURS).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
