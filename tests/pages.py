"""The pages of the documentation, as pieces that can be run one after the other."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line of the page that it begins at."""

    language: str
    text: str
    line: int


def blocks(page, *languages):
    """The fenced blocks of some languages, in the order of the page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [Block(one[1], one[2], text.count("\n", 0, one.start()) + 2) for one in found if one[1] in languages]


def files(page):
    """path -> text of the blocks whose first line is a comment that names a file."""
    found = {}
    for block in blocks(page, "python", "json"):
        first, _, rest = block.text.partition("\n")
        named = re.fullmatch(r"(?:#|//) ([\w/]+\.\w+)", first)
        if named:
            found[named[1]] = rest
    return found


def statements(block):
    """The commands of a shell block: continued lines are one, and so is a loop."""
    found, loop = [], []
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("for ") or loop:
            loop.append(line)
            if line == "done":
                found.append("\n".join(loop))
                loop = []
        elif line.strip():
            found.append(line)
    assert not loop, f"line {block.line}: a loop without its end"
    return found
