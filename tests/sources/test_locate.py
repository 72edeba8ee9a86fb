from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelpack.errors import SourceError, SourceUnreachableError
from modelpack.sources.locate import locate, npm_trail
from modelpack.spec.sources import FileSource, NpmSource, PythonSource


def make_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"model")
    return path


def test_locate_file_that_exists_returns_it(tmp_path: Path) -> None:
    path = make_file(tmp_path / "model.onnx")

    assert locate(FileSource(path)) == path


def test_locate_missing_file_names_the_nearest(tmp_path: Path) -> None:
    make_file(tmp_path / "minilm.onnx")
    make_file(tmp_path / "readme.md")

    with pytest.raises(SourceError) as caught:
        locate(FileSource(tmp_path / "mnilm.onnx"))

    assert str(caught.value) == (
        f'MP-E201 {tmp_path}/mnilm.onnx: no such file; did you mean "minilm.onnx"? '
        "— correct `source`, or put the file there"
    )


def test_locate_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r'no such file; there is no folder "models" either'):
        locate(FileSource(tmp_path / "models" / "a.onnx"))


def test_locate_dangling_link_names_its_target(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").symlink_to("gone.onnx")

    with pytest.raises(SourceError, match=r'MP-E201 .*a link to "gone.onnx", which does not exist'):
        locate(FileSource(tmp_path / "model.onnx"))


def test_locate_npm_file_is_found_upward(tmp_path: Path) -> None:
    path = make_file(tmp_path / "node_modules/@acme/models/onnx/a.onnx")
    start = tmp_path / "apps" / "web"
    start.mkdir(parents=True)

    assert locate(NpmSource("@acme/models", "onnx/a.onnx", start)) == path


def test_locate_npm_file_in_pnpm_layout_lies_in_the_real_package(tmp_path: Path) -> None:
    path = make_file(tmp_path / "node_modules/.pnpm/models@1.0.0/node_modules/models/a.onnx")
    (tmp_path / "app/node_modules").mkdir(parents=True)
    (tmp_path / "app/node_modules/models").symlink_to(path.parent)

    assert locate(NpmSource("models", "a.onnx", tmp_path / "app")) == path


def test_locate_npm_nearest_package_wins(tmp_path: Path) -> None:
    make_file(tmp_path / "node_modules/models/a.onnx")
    near = make_file(tmp_path / "app/node_modules/models/a.onnx")

    assert locate(NpmSource("models", "a.onnx", tmp_path / "app")) == near


@pytest.mark.parametrize(
    ("lock_file", "command"),
    [
        ("pnpm-lock.yaml", "pnpm add models"),
        ("yarn.lock", "yarn add models"),
        ("bun.lock", "bun add models"),
        ("package-lock.json", "npm install models"),
    ],
)
def test_locate_npm_package_missing_gives_the_install_command(
    tmp_path: Path, lock_file: str, command: str
) -> None:
    (tmp_path / lock_file).touch()
    (tmp_path / "app").mkdir()

    with pytest.raises(SourceUnreachableError) as caught:
        locate(NpmSource("models", "a.onnx", tmp_path / "app"))

    assert caught.value.exit_code == 6
    assert str(caught.value) == (
        f'MP-E220 npm:models/a.onnx: npm package "models" is not installed in {tmp_path}/app or above '
        f"— run `{command}`"
    )


def test_locate_npm_file_missing_in_package_names_models_there(tmp_path: Path) -> None:
    make_file(tmp_path / "node_modules/models/tiny.onnx")

    with pytest.raises(SourceError) as caught:
        locate(NpmSource("models", "whole/other", tmp_path))

    assert caught.value.code == "MP-E220"
    assert caught.value.message == 'the package has no such file; there is no folder "whole" either'


@pytest.mark.parametrize("inside", ["../secret.onnx", "link.onnx", "folder/secret.onnx"])
def test_locate_npm_path_that_leaves_the_package_is_refused(tmp_path: Path, inside: str) -> None:
    secret = make_file(tmp_path / "node_modules/secret.onnx")
    package = tmp_path / "node_modules/models"
    package.mkdir()
    (package / "link.onnx").symlink_to(secret)
    (package / "folder").symlink_to(secret.parent)

    with pytest.raises(SourceError, match="leaves the package"):
        locate(NpmSource("models", inside, tmp_path))


def test_locate_npm_name_with_dots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not the name of an npm package"):
        locate(NpmSource("../models", "a.onnx", tmp_path))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_locate_python_file_is_found_without_importing(site: Path) -> None:
    path = make_file(site / "locate_pkg/models/a.onnx")
    (site / "locate_pkg/__init__.py").write_text("raise RuntimeError('imported')")

    assert locate(PythonSource("locate_pkg", "models/a.onnx")) == path
    assert "locate_pkg" not in sys.modules


def test_locate_python_file_in_subpackage_is_found_without_importing(site: Path) -> None:
    path = make_file(site / "locate_outer/inner/a.onnx")
    (site / "locate_outer/__init__.py").write_text("raise RuntimeError('imported')")
    (site / "locate_outer/inner/__init__.py").write_text("raise RuntimeError('imported')")

    assert locate(PythonSource("locate_outer.inner", "a.onnx")) == path
    assert "locate_outer" not in sys.modules


def test_locate_python_namespace_package_is_searched_in_every_folder(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file(site / "one/locate_space/a.onnx")
    path = make_file(site / "two/locate_space/b.onnx")
    monkeypatch.syspath_prepend(str(site / "one"))
    monkeypatch.syspath_prepend(str(site / "two"))

    assert locate(PythonSource("locate_space", "b.onnx")) == path


@pytest.mark.parametrize("package", ["locate_absent", "locate_absent.models", "not-a-name", ""])
def test_locate_python_package_missing_is_unreachable(package: str) -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        locate(PythonSource(package, "a.onnx"))

    assert caught.value.code == "MP-E221"
    assert caught.value.remedy == (
        f"run `pip install {package.partition('.')[0]}` in the environment of modelpack"
    )


def test_locate_python_module_is_no_package() -> None:
    with pytest.raises(SourceError, match='"argparse" is a single module; expected a package'):
        locate(PythonSource("argparse", "a.onnx"))


def test_locate_python_main_module_is_unreachable() -> None:
    with pytest.raises(SourceUnreachableError):
        locate(PythonSource("__main__", "a.onnx"))


def test_locate_python_path_that_leaves_the_package_is_refused(site: Path) -> None:
    make_file(site / "locate_leaky/__init__.py")
    make_file(site / "secret.onnx")

    with pytest.raises(SourceError, match=r'MP-E221 .*"../secret.onnx" leaves the package'):
        locate(PythonSource("locate_leaky", "../secret.onnx"))


def test_npm_trail_names_the_link_and_what_would_be_nearer(tmp_path: Path) -> None:
    app = tmp_path / "apps" / "web"
    store = tmp_path / "store" / "pack"
    app.mkdir(parents=True)
    store.mkdir(parents=True)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "pack").symlink_to(store)
    link, nearer = npm_trail(NpmSource("pack", "a.onnx", app))
    assert link == tmp_path / "node_modules" / "pack" / "a.onnx"
    assert nearer == (
        app / "node_modules" / "pack",
        tmp_path / "apps" / "node_modules" / "pack",
    )
