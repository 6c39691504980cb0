"""The house keeps its order: words, floors, tests that mirror them, settings that are written down."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from api.settings import Settings

ROOT = Path(__file__).parent.parent
FLOORS = ("domain", "application", "projections", "adapters", "api", "migrations")
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "service", "services", "misc", "handler"}
HOWTOS = ("add-a-capability", "add-an-ocpp-action", "add-an-adapter", "change-an-event", "rebuild-a-projection",
          "replay-for-an-auditor")  # fmt: skip
ADR_PARTS = ("**Status**", "**Date**", "**Context**", "**Decision**", "**Consequences**", "**Alternatives**",
             "**Enforced by**")  # fmt: skip
TEXT = {".py", ".md", ".toml", ".lock", ".json", ".graphql", ".yml", ".yaml", ".txt", ""}


def modules() -> list[Path]:
    """Every module of the floors; Alembic's revisions are named by their number."""
    found = [path.relative_to(ROOT) for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    return sorted(path for path in found if path.name != "__init__.py" and path.parent.name != "versions")


def test_modules() -> list[Path]:
    return sorted(path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py"))


test_modules.__test__ = False  # type: ignore[attr-defined]


@cache
def words() -> frozenset[str]:
    """The first column of every table of the glossary."""
    rows = re.findall(r"^\| ([^|]+) \|", read("docs/glossary.md"), re.MULTILINE)
    return frozenset(word.strip() for row in rows for word in row.lower().split(","))


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@cache
def files() -> list[Path]:
    """Every text that is ours: not what was installed, built or stored."""
    roots = [ROOT / folder for folder in (*FLOORS, "tests", "docs", ".ci")]
    found = [*ROOT.glob("[!.]*"), *ROOT.glob(".gitignore"), *(path for root in roots for path in root.rglob("*"))]
    return [path for path in found if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts]


@pytest.mark.parametrize("module", modules(), ids=str)
def test_the_name_of_every_module_is_a_word_of_the_glossary(module: Path) -> None:
    assert module.stem in words(), f"{module}: choose a word of docs/glossary.md, or add this one with its meaning"
    assert module.stem not in VAGUE


@pytest.mark.parametrize("package", sorted({module.parent for module in modules()}), ids=str)
def test_the_name_of_every_folder_says_what_is_in_it(package: Path) -> None:
    assert (ROOT / package / "__init__.py").is_file()
    assert not VAGUE & set(package.parts)


def test_init_files_hold_nothing() -> None:
    full = [str(path) for floor in FLOORS for path in (ROOT / floor).rglob("__init__.py") if path.read_text().strip()]
    assert full == []


@pytest.mark.parametrize("test", test_modules(), ids=str)
def test_every_test_of_a_floor_lies_where_what_it_tests_lies(test: Path) -> None:
    if test.parts[0] in FLOORS:
        assert (ROOT / test.parent).is_dir(), f"tests/{test} tests nothing: there is no folder {test.parent}"
        assert test.stem.removeprefix("test_") in words(), f"tests/{test}: name it by the word it tests"


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(module) for module in modules() if '"""' not in (ROOT / module).read_text("utf-8")[:3]]
    assert silent == []


@pytest.mark.parametrize("setting", [f"BORNIER_{field.name.upper()}" for field in fields(Settings)])
def test_every_setting_is_written_down(setting: str) -> None:
    assert f"| `{setting}` |" in read("docs/settings.md")


def test_every_written_setting_with_a_fixed_default_says_the_true_one() -> None:
    chance = {"admin_token", "tokens", "audit_key", "audit_command", "kafka"}
    for field in fields(Settings):
        if field.name not in chance:
            shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
            default = f"`{shown}`" if shown != "" else "none"
            assert f"| `BORNIER_{field.name.upper()}` | {default} |" in read("docs/settings.md")


def test_no_setting_is_read_that_is_not_written_down() -> None:
    named = {name for path in files() if path.suffix == ".py" for name in settings_in(path)}
    assert named <= set(re.findall(r"BORNIER_[A-Z_]+[A-Z]", read("docs/settings.md")))


def settings_in(path: Path) -> set[str]:
    return set(re.findall(r"BORNIER_[A-Z_]*[A-Z]", path.read_text("utf-8")))


def test_the_readme_is_short_and_shows_every_floor() -> None:
    readme = read("README.md")
    assert len(readme.splitlines()) <= 150
    for folder in (*FLOORS, "tests", "docs"):
        assert re.search(rf"^{folder}/ ", readme, re.MULTILINE), f"the tree in the README lacks {folder}/"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [path for path in files() if path.suffix == ".md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} points to {target}"


def test_files_named_on_pages_exist() -> None:
    for page in [*(ROOT / "docs/howto").glob("*.md"), *(ROOT / "docs/adr").glob("*.md"), ROOT / "README.md"]:
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z0-9_]+\.(?:py|md|json|graphql))`", page.read_text("utf-8")):
            assert (ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}"


def test_every_decision_has_all_its_parts_on_one_page() -> None:
    pages = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text("utf-8")
        assert [part for part in ADR_PARTS if part not in text] == [], page.name
        assert len(text.splitlines()) <= 60, page.name


@pytest.mark.parametrize("name", HOWTOS)
def test_every_recipe_is_there(name: str) -> None:
    assert (ROOT / "docs/howto" / f"{name}.md").is_file()


def test_the_changelog_tells_about_events() -> None:
    assert "### Events" in read("CHANGELOG.md")


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    places = re.compile(r"(?<![\w.])/(?:work|home|root|Users|opt)/\w|(?:index|find-links)[-_]?url|--find-links")
    own = Path(__file__)
    for path in files():
        if path != own:
            found = places.search(path.read_text("utf-8", errors="replace"))
            assert found is None, f"{path.relative_to(ROOT)} says {found and found.group()!r}"


def test_every_locked_package_has_hashes_and_no_address() -> None:
    lock = read("requirements.lock")
    pinned = re.findall(r"^[a-z0-9][a-z0-9._-]*(?:\[[a-z,]+\])?==", lock, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^\S.*\\\n    --hash=sha256:", lock, re.MULTILINE)) > 0
    assert "://" not in lock


def test_every_direct_dependency_has_its_reason_on_the_page_of_decisions() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    page = read("docs/adr/0007-dependencies.md")
    missing = [name for name in (re.split(r"[\[<>=;]", line)[0] for line in wanted) if short(name) not in page]
    assert missing == []


def short(name: str) -> str:
    """How a package of a family is called on the page."""
    return name.removeprefix("pytest-")
