"""Challenges are found by folder, wherever one starts from, and every fault of every one is told at once."""

from pathlib import Path

import pytest

from grader import catalogue
from grader.catalogue import ROOT_VARIABLE, find_root, is_slug, load_catalogue, load_entry, slugs
from grader.errors import CatalogueFault, UnknownChallenge, UsageError
from grader.scaffold import scaffold


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a root with two challenges."""
    for slug in ("first", "second-one"):
        scaffold(tmp_path, slug)
    return tmp_path


def test_every_folder_is_a_challenge(root: Path) -> None:
    (root / "challenges" / ".hidden").mkdir()
    (root / "challenges" / "__pycache__").mkdir()
    (root / "challenges" / "README.md").write_text("")
    entries = load_catalogue(root)
    assert [(entry.slug, entry.folder.name) for entry in entries] == [("first", "first"), ("second-one", "second-one")]
    assert entries[1].challenge.title == "Second one"
    assert slugs(root / "nowhere") == []


def test_every_fault_of_every_challenge_is_told(root: Path) -> None:
    (root / "challenges" / "first" / "challenge.toml").write_text("surprise = 1")
    (root / "challenges" / "second-one" / "challenge.toml").write_text("not toml")
    (root / "challenges" / "Third").mkdir()
    with pytest.raises(CatalogueFault) as refused:
        load_catalogue(root)
    told = str(refused.value)
    assert "first/challenge.toml: surprise: nothing is called this; remove the key" in told
    assert "second-one/challenge.toml: this is not TOML" in told
    assert "Third: the folder's name is no slug" in told
    assert "Third/challenge.toml: the file is missing" in told
    assert isinstance(refused.value, UsageError)


def test_the_faults_of_others_do_not_matter_to_one(root: Path) -> None:
    (root / "challenges" / "first" / "challenge.toml").write_text("not toml")
    assert load_entry(root, "second-one").slug == "second-one"


@pytest.mark.parametrize(
    ("slug", "hint"),
    [
        ("frist", "did you mean 'first'"),
        ("zzz", "there are: first, second-one"),
        ("../first", "there is no"),
        ("", "there is no"),
    ],
)
def test_an_unknown_challenge_is_told_with_what_there_is(root: Path, slug: str, hint: str) -> None:
    with pytest.raises(UnknownChallenge, match=hint):
        load_entry(root, slug)


def test_an_empty_root_has_no_challenge(tmp_path: Path) -> None:
    with pytest.raises(UnknownChallenge, match="there are none at all"):
        load_entry(tmp_path, "first")


@pytest.mark.parametrize("text", ["a", "a1", "hash-map", "a" * 64])
def test_slugs(text: str) -> None:
    assert is_slug(text)


@pytest.mark.parametrize("text", ["", "A", "1a", "-a", "a-", "a--b", "a_b", "a b", "a/b", "..", "a\n", "é", "a" * 65])
def test_what_is_no_slug(text: str) -> None:
    assert not is_slug(text)


def test_the_root_is_the_one_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(root))
    assert find_root(Path("/")) == root.resolve()
    monkeypatch.setenv(ROOT_VARIABLE, str(root / "challenges"))
    with pytest.raises(UnknownChallenge, match="correct it or unset it"):
        find_root()


def test_else_the_root_is_at_or_above_where_one_stands(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    for start in (root, root / "challenges" / "first" / "starter"):
        assert find_root(start) == root.resolve()
    monkeypatch.chdir(root / "challenges")
    assert find_root() == root.resolve()


def test_else_the_root_is_where_this_package_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert find_root(tmp_path) == Path(__file__).resolve().parents[2]
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "grader" / "catalogue.py"))
    with pytest.raises(UnknownChallenge, match=ROOT_VARIABLE):
        find_root(tmp_path)
