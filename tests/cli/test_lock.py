"""`modelpack lock`, and what `build --frozen` and files from the web make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from tests.support.checkpoints import make_checkpoint, write
from tests.support.cli import modelpack
from tests.support.onnx_models import mlp, with_data_file
from tests.support.scripted_server import Reply, Server, serving

MODEL = mlp().SerializeToString()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / ".git").mkdir(parents=True)
    return made


def configure(folder: Path, source: str, *lines: str) -> None:
    text = "\n".join(("[models.words]", f'source = "{source}"', *lines, "variants.fp32 = {}", ""))
    (folder / "modelpack.toml").write_text(text)


def locked(folder: Path) -> dict[str, dict[str, str]]:
    sources: dict[str, dict[str, str]] = json.loads((folder / "modelpack.lock").read_text())[
        "sources"
    ]
    return sources


def npm_package(folder: Path, version: str = "1.2.0") -> None:
    root = folder / "node_modules" / "@acme" / "pack"
    write(root / "package.json", {"name": "@acme/pack", "version": version})
    write(root / "dist" / "words.onnx", MODEL)


def test_lock_of_a_package_has_its_version_and_digest(folder: Path) -> None:
    npm_package(folder)
    configure(folder, "npm:@acme/pack/dist/words.onnx")
    answer = modelpack("lock", "-C", folder)
    assert (answer.code, answer.err) == (0, "wrote modelpack.lock: 1 source\n")
    entry = {"sha256": digest_bytes(MODEL), "version": "1.2.0"}
    assert locked(folder) == {"npm:@acme/pack/dist/words.onnx": entry}
    assert modelpack("lock", "-C", folder).err == "nothing changed: modelpack.lock\n"


def test_lock_refuses_a_change_unless_it_is_wanted(folder: Path) -> None:
    npm_package(folder)
    configure(folder, "npm:@acme/pack/dist/words.onnx")
    assert modelpack("lock", "-C", folder).code == 0
    npm_package(folder, "1.3.0")
    answer = modelpack("lock", "-C", folder)
    assert answer.code == 5
    assert "MP-E721" in answer.err
    assert "is version 1.3.0; the lock has 1.2.0" in answer.err
    assert modelpack("lock", "-C", folder, "--update").code == 0
    assert locked(folder)["npm:@acme/pack/dist/words.onnx"]["version"] == "1.3.0"


def test_lock_of_a_checkpoint_follows_its_files(folder: Path) -> None:
    make_checkpoint(folder / "bert")
    configure(folder, "bert")
    assert modelpack("lock", "-C", folder).code == 0
    before = locked(folder)
    assert list(before) == ["bert"]
    (folder / "bert" / "vocab.txt").write_text("c\n")
    assert modelpack("lock", "-C", folder).code == 5
    assert modelpack("lock", "-C", folder, "--update").code == 0
    assert locked(folder) != before


def test_lock_of_files_of_the_project_is_empty(folder: Path) -> None:
    write(folder / "words.onnx", MODEL)
    configure(folder, "words.onnx")
    assert modelpack("lock", "-C", folder).code == 0
    assert locked(folder) == {}


def test_build_frozen_without_a_lock_fails(folder: Path) -> None:
    npm_package(folder)
    configure(folder, "npm:@acme/pack/dist/words.onnx")
    answer = modelpack("build", "-C", folder, "--frozen")
    assert answer.code == 5
    assert "modelpack.lock: is missing — run `modelpack lock --update`" in answer.err


def test_build_frozen_with_another_package_than_locked_fails(folder: Path) -> None:
    npm_package(folder)
    configure(folder, "npm:@acme/pack/dist/words.onnx")
    assert modelpack("lock", "-C", folder).code == 0
    write(folder / "node_modules" / "@acme" / "pack" / "dist" / "words.onnx", MODEL + b"\x0a\x00")
    answer = modelpack("build", "-C", folder, "--frozen")
    assert answer.code == 5
    assert "npm:@acme/pack/dist/words.onnx has SHA-256" in answer.err


def test_build_of_a_file_from_the_web_downloads_it_once(folder: Path, server: Server) -> None:
    server.reply("/words.onnx", Reply(body=MODEL))
    configure(folder, server.url("/words.onnx"), f'sha256 = "{digest_bytes(MODEL)}"')
    built = modelpack("build", "-C", folder)
    assert built.code == 0, built.err
    assert modelpack("build", "-C", folder, "--mode", "development").code == 0
    assert len(server.requests) == 1
    assert list((folder / ".modelpack" / "cache" / "v1" / "downloads").glob("*.onnx")) == []


def test_build_of_an_unpinned_file_asks_for_a_lock(folder: Path, server: Server) -> None:
    server.reply("/words.onnx", Reply(body=MODEL))
    configure(folder, server.url("/words.onnx"))
    refused = modelpack("build", "-C", folder)
    assert refused.code == 1
    assert "MP-E242" in refused.err
    assert "modelpack lock" in refused.err
    assert server.requests == []
    assert modelpack("lock", "-C", folder).code == 0
    assert locked(folder) == {server.url("/words.onnx"): {"sha256": digest_bytes(MODEL)}}
    assert modelpack("build", "-C", folder).code == 0
    assert len(server.requests) == 1  # what `lock` downloaded, `build` uses


def test_build_of_a_page_in_place_of_a_model_says_so(folder: Path, server: Server) -> None:
    page = b"<!doctype html><title>Sign in</title>"
    server.reply("/words.onnx", Reply(body=page))
    configure(folder, server.url("/words.onnx"), f'sha256 = "{digest_bytes(page)}"')
    answer = modelpack("build", "-C", folder)
    assert answer.code == 1
    assert "MP-E203" in answer.err


def test_build_of_a_file_that_is_not_there_is_unreachable(folder: Path, server: Server) -> None:
    configure(folder, server.url("/words.onnx"), f'sha256 = "{digest_bytes(MODEL)}"')
    answer = modelpack("build", "-C", folder)
    assert answer.code == 6
    assert "MP-E240" in answer.err
    assert "HTTP 404" in answer.err


def test_lock_update_takes_a_file_that_changed(folder: Path, server: Server) -> None:
    server.reply("/words.onnx", Reply(body=MODEL))
    configure(folder, server.url("/words.onnx"))
    assert modelpack("lock", "-C", folder).code == 0
    changed = MODEL + b"\x3a\x00"
    server.reply("/words.onnx", Reply(body=changed))
    assert modelpack("lock", "-C", folder, "--update").code == 0
    assert locked(folder)[server.url("/words.onnx")]["sha256"] == digest_bytes(changed)


def test_lock_of_a_file_from_the_web_finds_its_data_file(folder: Path, server: Server) -> None:
    graph, data = with_data_file(mlp(), "words 1.onnx_data")
    server.reply("/m/words.onnx", Reply(body=graph))
    server.reply("/m/words%201.onnx_data", Reply(body=data))
    configure(folder, server.url("/m/words.onnx"), f'sha256 = "{digest_bytes(graph)}"')
    alone = modelpack("build", "-C", folder)
    assert (alone.code, "MP-E462" in alone.err) == (1, True)
    assert modelpack("lock", "-C", folder).code == 0
    entry = json.loads((folder / "modelpack.lock").read_text())["sources"][
        server.url("/m/words.onnx")
    ]
    assert entry == {
        "sha256": digest_bytes(graph),
        "files": {"words 1.onnx_data": {"sha256": digest_bytes(data), "bytes": len(data)}},
    }
    assert modelpack("lock", "-C", folder).err == "nothing changed: modelpack.lock\n"
    built = modelpack("build", "-C", folder)
    assert built.code == 0, built.err
    assert [request.path for request in server.requests].count("/m/words%201.onnx_data") == 1
    assert modelpack("build", "-C", folder, "--frozen").code == 0
