"""What `mkdocs build` shows beside docs/: README and others, linked sources, and formulas.

README is the start page, as it stands. A notebook of learn/, kept as a script, becomes a page to
read. A page may link to any file of the repository, as it would be read there; such a file gets a
page of its own under source/. TeX becomes MathML, which browsers draw by themselves, so that
neither building nor reading needs a network.
"""

import html
import posixpath
import re
from pathlib import Path
from textwrap import indent

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BESIDE_DOCS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "learn/README.md": "learn/index.md",
}
NOTEBOOKS = {
    f"learn/{path.name}": f"learn/{path.stem}.md" for path in (ROOT / "learn").glob("[0-9]_*.py")
}
LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
FOLDED = re.compile(
    r"<details><summary>Solution</summary>The next cell[.:]\s*(.*)</details>", re.DOTALL
)
LANGUAGES = {".py": "python", ".toml": "toml"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for path, uri in BESIDE_DOCS.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    for path, uri in NOTEBOOKS.items():
        files.append(File.generated(config, uri, content=notebook_page(ROOT / path)))
    linked = {
        path
        for file in files.documentation_pages()
        for link in LINK.findall(file.content_string)
        if uri_of(path := target(file.src_uri, link)).startswith("source/")
    }
    for path in sorted(linked):
        files.append(File.generated(config, uri_of(path), content=source_page(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages of the site."""
    here = posixpath.dirname(page.file.src_uri)

    def moved(match: re.Match[str]) -> str:
        path = target(page.file.src_uri, match[1])
        if not (ROOT / path).is_file():
            return match[1]  # no such file: the strict build says so
        return posixpath.relpath(uri_of(path), here or ".")

    return LINK.sub(moved, markdown)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn TeX into MathML."""

    def drawn(match: re.Match[str]) -> str:
        display = "block" if match[1] == "div" else "inline"
        return convert(html.unescape(match[2]).strip(), display=display)

    return FORMULA.sub(drawn, content)


def target(page: str, link: str) -> str:
    """The file in the repository that a link on the page at the site's address `page` means."""
    own = {uri: path for path, uri in (BESIDE_DOCS | NOTEBOOKS).items()}.get(page, f"docs/{page}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(own), link))


def uri_of(path: str) -> str:
    """Where a file of the repository stands in the site; "" for what is no file."""
    if path in BESIDE_DOCS or path in NOTEBOOKS:
        return (BESIDE_DOCS | NOTEBOOKS)[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"source/{path}.md" if (ROOT / path).is_file() else ""


def notebook_page(script: Path) -> str:
    """A notebook in jupytext's percent format as a page: prose, code, and solutions folded."""
    parts, note = [], ""
    for cell in script.read_text("utf-8").split("\n# %%")[1:]:
        marks, _, body = cell.partition("\n")
        if "[markdown]" in marks:
            prose = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.split("\n"))
            if folded := FOLDED.fullmatch(prose.strip()):
                note = folded[1]  # belongs to the solution, which is the next cell
            else:
                parts.append(prose.strip())
        elif "solution" in marks:
            inside = f"{note}\n\n```python\n{body.strip()}\n```".strip()
            parts.append(f'??? success "Solution"\n\n{indent(inside, " " * 4)}')
        else:
            parts.append(f"```python\n{body.strip()}\n```")
    first, *rest = parts
    how = f"*To run it and see its pictures: `make learn`, then open `learn/{script.stem}.ipynb`.*"
    return "\n\n".join([first.split("\n")[0], how, first.partition("\n")[2], *rest]) + "\n"


def source_page(path: str) -> str:
    """A file of the repository as a page that the search leaves out."""
    file = ROOT / path
    language = LANGUAGES.get(file.suffix, "text")
    text = file.read_text("utf-8").rstrip()
    return f"---\nsearch:\n  exclude: true\n---\n\n# {path}\n\n````{language}\n{text}\n````\n"
