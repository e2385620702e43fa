"""The house's own rules, checked over the syntax tree of src/."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "inkseed"
SCRIPTS = Path(__file__).parents[1] / "scripts"
MOST_PARAMETERS = 8
# What users call with keywords; options of commands in cli/ are parameters too. Constructors of
# dataclasses have no signature in the source: a value has as many fields as there are facts.
USER_FACING = {
    ("model/model.py", "sample"),
    ("model/model.py", "cost"),
    ("writing/number.py", "write"),
    ("training/loop.py", "train"),
}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            yield path.relative_to(SOURCE).as_posix(), node


def splats(node: ast.AST) -> Iterator[int]:
    """The lines where a call takes a literal tuple or list apart into positional arguments."""
    if isinstance(node, ast.Call):
        for each in node.args:
            if isinstance(each, ast.Starred) and isinstance(each.value, ast.Tuple | ast.List):
                yield each.lineno


def parameters(node: ast.AST) -> int:
    """How many a function takes, `self` and `cls` left out."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return 0
    own = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len(own) - bool(own and own[0].arg in ("self", "cls"))


def printing(node: ast.AST) -> bool:
    """Whether it prints, or imports what does."""
    match node:
        case ast.Call(ast.Name("print" | "pprint" | "secho" | "echo")):
            return True
        case ast.Call(ast.Attribute(_, "echo" | "secho" | "print_exception" | "pprint")):
            return True
        case ast.Call(ast.Attribute(ast.Attribute(ast.Name("sys")), "write" | "writelines")):
            return True
        case ast.Import(names):
            return any(each.name in ("rich", "rich.console") for each in names)
        case ast.ImportFrom("rich.console" | "rich", names=names):
            return any(each.name in ("Console", "print", "console") for each in names)
    return False


def test_nothing_prints_but_by_say_and_console():
    files = [*SOURCE.rglob("*.py"), *SCRIPTS.glob("*.py")]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in files}
    found = {path.name for path, tree in trees.items() if any(map(printing, ast.walk(tree)))}
    assert found == {"say.py", "console.py"}


def test_no_call_takes_a_literal_apart_into_positional_arguments():
    assert [(path, line) for path, node in nodes() for line in splats(node)] == []


def test_nothing_but_what_users_call_has_more_than_eight_parameters():
    many = {
        (path, getattr(node, "name", "lambda"))
        for path, node in nodes()
        if parameters(node) > MOST_PARAMETERS and not path.startswith("cli/")
    }
    assert many <= USER_FACING


def test_the_checks_see_what_they_are_to_find():
    call, function = ast.parse("f(*(a, b), *c)\ndef g(self, a, /, b, *, c): ...").body
    assert list(splats(call.value)) == [1]
    assert parameters(function) == 3
    words = "print(1)", "typer.echo(1)", "sys.stderr.write('')", "from rich.console import Console"
    for each in words:
        assert any(map(printing, ast.walk(ast.parse(each)))), each
