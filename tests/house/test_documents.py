"""Documents that agree with the code: what they name is there, and what must be written down is."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
OWN = {"sealmail", "sealdesk"}
MACHINE_PATH = re.compile(r"(?<![\w./~-])/(?:work|root|home)/")
LOCK_FILES = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"}


def files(*patterns: str) -> list[Path]:
    """Files of the repository, those that are new included; ignored ones are not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in files("packages/*.py", "tests/*.py", "bench/*.py"))


def documents() -> list[Path]:
    return files("*.md")


def links_in(document: Path) -> Iterator[str]:
    """Targets of links and pictures that lead into the repository."""
    words = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", words):
        if not re.match(r"[a-z]+:|#", target):
            yield target.partition("#")[0]


def names_marked_with(row: str) -> Iterator[str]:
    """Names of the tests that are marked with this row of the mission."""
    for path in files("packages/*/tests/*.py", "tests/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(_marks(one, row) for one in node.decorator_list):
                yield node.name


def _marks(decorator: ast.expr, row: str) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and ast.unparse(decorator.func) == "pytest.mark.mission"
        and any(isinstance(one, ast.Constant) and one.value == row for one in decorator.args)
    )


def required_by(package: str) -> set[str]:
    project = tomllib.loads(text(f"packages/{package}/pyproject.toml"))["project"]
    return {normal(line) for line in project["dependencies"] if Requirement(line).name not in OWN}


def normal(line: str) -> str:
    """A requirement in one spelling."""
    needed = Requirement(line)
    return f"{canonicalize_name(needed.name)}[{','.join(sorted(needed.extras))}]{needed.specifier}"


def test_every_cited_rfc_stands_in_the_list_of_standards() -> None:
    cited = set(re.findall(r"RFC (\d{3,5})", code()))
    listed = set(re.findall(r"^\| RFC (\d{3,5}) \|", text("docs/standards.md"), flags=re.MULTILINE))

    assert cited == listed


def test_every_standard_says_how_much_of_it_is_here() -> None:
    rows = re.findall(r"^\| (RFC \d+) \| (.+?) \| (.+?) \|", text("docs/standards.md"), flags=re.MULTILINE)

    assert {status for _, _, status in rows} == {"Yes", "Partial", "No"}
    assert len({name for name, _, _ in rows}) == len(rows)


def test_every_setting_is_described() -> None:
    settings = text("packages/sealdesk/src/sealdesk/config/settings.py")
    read = set(re.findall(r'env\.\w+\("(SEALDESK_\w+)"', settings))
    described = set(re.findall(r"^\| `(SEALDESK_\w+)`", text("docs/admin/settings.md"), flags=re.MULTILINE))

    assert read == described


def test_every_system_check_is_described() -> None:
    checks = set(re.findall(r'id="(sealdesk\.[EW]\d+)"', text("packages/sealdesk/src/sealdesk/core/checks.py")))

    assert checks == set(re.findall(r"`(sealdesk\.[EW]\d+)`", text("docs/admin/settings.md")))


def test_every_test_that_the_attacks_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", text("docs/attacks.md")))

    assert named - set(re.findall(r"def (test_\w+)\(", code())) == set()
    assert len(named) > 100


def test_every_test_of_an_attack_is_named() -> None:
    named = set(re.findall(r"`(test_\w+)`", text("docs/attacks.md")))

    assert set(names_marked_with("B14")) - named == set()


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    broken = [target for target in links_in(document) if not (document.parent / target).exists()]

    assert broken == []


def test_modules_and_folders_that_the_map_names_exist() -> None:
    architecture = text("ARCHITECTURE.md")
    in_tables = re.findall(r"`((?!test_)[\w/]+(?:\.py|/))`", architecture)
    in_map = re.findall(r"^  ([\w/]+(?:\.py|/))(?= )", architecture, flags=re.MULTILINE)
    missing = {name for name in (*in_tables, *in_map) if not any(base.joinpath(name).exists() for base in places())}

    assert missing == set()
    assert len(in_map) > 20


def places() -> list[Path]:
    """Folders from which the map may name something: the repository, the packages, and what is in them."""
    sources = [ROOT / "packages" / name / "src" for name in sorted(OWN)]
    return [ROOT, *sources, *(folder for source in sources for folder in source.rglob("*") if folder.is_dir())]


def test_pinned_requirements_are_those_of_the_packages() -> None:
    lines = text("requirements/run.in").splitlines()
    listed = {normal(line) for line in lines if line and not line.startswith("#")}

    assert listed == required_by("sealmail") | required_by("sealdesk")


def test_requirements_are_hashed_and_name_no_address() -> None:
    for name in ("requirements/run.txt", "requirements/dev.txt"):
        pins = re.findall(r"^[\w.\[\]-]+==.*\n.*", text(name), flags=re.MULTILINE)

        assert [pin for pin in pins if not pin.partition("\n")[2].startswith("    --hash=sha256:")] == []
        assert len(pins) > 20
        assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links", text(name)) == []


def test_no_file_names_a_place_of_one_machine() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), start=1)
        if MACHINE_PATH.search(line) and path != Path(__file__).resolve()
    }

    assert found == set()


def test_no_lock_file_is_kept() -> None:
    assert [path.name for path in files() if path.name in LOCK_FILES] == []


def test_decisions_are_numbered_once_and_in_a_row() -> None:
    records = [path for path in files("docs/decisions/*.md") if path.name != "README.md"]
    numbers = sorted(int(path.name[:4]) for path in records)

    assert numbers == list(range(1, len(records) + 1))
    for path in records:
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}. ")


def test_every_code_of_the_badge_is_explained_to_agents() -> None:
    from sealdesk.web.presenters.encryption import ENCRYPTION
    from sealdesk.web.presenters.intake import MARKS
    from sealdesk.web.presenters.signature import REASONS, SIGNATURE
    from sealdesk.web.presenters.states import COPY_STATES
    from sealdesk.web.presenters.warnings import WARNINGS

    tables = (ENCRYPTION, SIGNATURE, REASONS, WARNINGS, MARKS, COPY_STATES)
    labels = {face.label for table in tables for face in table.values()}
    guide = text("docs/agent/reading-the-badge.md")

    bold = {label.replace("carol@bank.example", "{address}") for label in re.findall(r"\*\*(.+?)\*\*", guide)}
    assert labels - bold == set()
