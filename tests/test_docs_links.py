"""Links of the documentation lead somewhere, and its tables are complete."""

import re

from pages import PAGES, ROOT


def anchors(page):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_of_the_pages_lead_somewhere():
    for page in (*PAGES, ROOT / "CHANGELOG.md", ROOT / "samples" / "README.md"):
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                found = page.parent / target if target else page
                assert found.exists(), f"{page.name}: {target}"
                assert not anchor or anchor in anchors(found), f"{page.name}: {target}#{anchor}"


def test_readme_lists_every_script_and_is_short():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    scripts = [path.name for path in ROOT.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
    assert len(scripts) >= 11 and [name for name in scripts if f"| `{name}` |" not in text] == []
    assert len(text.encode()) < 7000


def test_index_lists_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md"]
    assert [name for name in pages if f"({name})" not in index] == []


def test_files_and_folders_that_pages_name_exist():
    """`processors/base.py` and the like; those that an example writes, or that a run does, are named elsewhere."""
    missing = []
    for page in PAGES:
        named = re.findall(r"`((?:\w+/)+(?:\w+\.(?:py|sh|json|md))?)`", page.read_text(encoding="utf-8"))
        families = {path for path in named if (ROOT / path.split("/")[0]).is_dir() and not path.startswith("models/")}
        missing += [f"{page.name}: {path}" for path in sorted(families) if not (ROOT / path).exists()]
    assert missing == []
