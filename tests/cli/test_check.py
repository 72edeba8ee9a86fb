from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.support.cli import Answer, modelpack
from tests.support.projects import Project, change_weights

KEY = "models.words.budget"


def run(project: Project, command: str, *argv: str) -> Answer:
    return modelpack(command, *argv, "-C", project.folder)


def limit(project: Project, text: str) -> None:
    """Replaces the download limit of `words`."""
    project.edit('download = "40 kB"', text)


def built(project: Project) -> Project:
    assert run(project, "build", "-q").code == 0
    return project


def test_check_of_what_was_built_holds(project: Project) -> None:
    built(project)
    answer = run(project, "check")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("\n6 limits, all held\n")
    report = json.loads(run(project, "check", "--json").out)
    assert [row["variant"] for row in report["variants"]] == ["q8", "fp32", "fp16"]
    assert all(verdict["passed"] for verdict in report["verdicts"])


def test_check_needs_no_cache(project: Project) -> None:
    built(project)
    shutil.rmtree(project.cache)
    assert run(project, "check").code == 0


def test_check_of_nothing_says_build(project: Project) -> None:
    assert run(project, "check") == Answer(
        1,
        "",
        "MP-E711 public/models/manifest.json: nothing is published here — run `modelpack build`\n",
    )


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        (
            'download = "40 kB"',
            'download = "5 kB"',
            3,
            "MP-E601 models.words.budget.download: words@q8 downloads 6.19 kB; expected at most 5.00 kB (1.19 kB over)",
        ),
        (
            'download = "40 kB"',
            'size = "6 kB"',
            3,
            "MP-E601 models.words.budget.size: words@q8 unpacks to 6.19 kB; expected at most 6.00 kB (188 B over)",
        ),
        (
            "chunks = 8",
            "chunks = 1",
            3,
            "MP-E601 models.words.budget.chunks: words@q8 has 2 chunks; expected at most 1 (1 over)",
        ),
        (
            "chunks = 8",
            'load_time = { slow = "500 ms" }',
            3,
            "MP-E601 models.words.budget.load_time.slow: words@q8 loads in 981 ms on slow; expected at most 500 ms (481 ms over)",
        ),
        (
            'cosine = ">= 0.99"',
            'cosine = ">= 0.99", sqnr = ">= 144"',
            4,
            "MP-E602 models.words.golden.metrics.sqnr: words@q8 has no measured sqnr; expected at least 144",
        ),
        (
            'cosine = ">= 0.99"',
            'cosine = ">= 1"',
            4,
            "MP-E510 models.words.golden.metrics.cosine: words@q8 has cosine 0.99",
        ),
    ],
)
def test_check_limit_that_does_not_hold(
    project: Project, old: str, new: str, code: int, line: str
) -> None:
    built(project)
    project.edit(old, new)
    text = project.config.read_text()
    project.config.write_text(
        f'{text}\n[networks]\nslow = {{ bandwidth = "100 kbit/s", latency = "50 ms" }}\n'
    )
    answer = run(project, "check", "words@q8")
    assert answer.code == code
    assert any(found.startswith(line) for found in answer.out.splitlines()), answer.out


def test_check_of_another_golden_set_is_not_measured(project: Project) -> None:
    built(project)
    samples = project.folder / "golden" / "words.npz"
    content = bytearray(samples.read_bytes())
    content[200] ^= 1
    samples.write_bytes(bytes(content))
    answer = run(project, "check")
    assert answer.code == 4
    assert "measure  run `modelpack build words@q8`, or remove the limit" in answer.out


def test_check_of_a_variant_that_is_not_published(project: Project) -> None:
    built(project)
    project.edit("[models.words.variants]", "[models.words.variants]\nq4 = {}")
    answer = run(project, "check")
    assert answer.code == 4
    assert "words@q4 has no measured download; expected at most 40.0 kB" in answer.out


def test_check_warnings_do_not_fail(project: Project) -> None:
    built(project)
    limit(project, 'download = "1 kB"\nhints = "warning"')
    answer = run(project, "check")
    assert answer.code == 0
    assert "warning MP-E601 models.words.budget.download: words@q8" in answer.out


def test_check_against_no_baseline_is_not_judged(project: Project) -> None:
    built(project)
    limit(project, 'download = "+0%"\nupdate = "0%"')
    answer = run(project, "check")
    assert answer.code == 0
    assert (
        "note models.words.budget.update: words@q8 is not judged: no baseline has this variant; "
        "`modelpack baseline update` writes one" in answer.out.splitlines()
    )


def test_check_against_the_baseline(project: Project) -> None:
    built(project)
    assert run(project, "baseline", "update", "-q").code == 0
    limit(project, 'download = "+0%"\nupdate = "20%"')
    assert run(project, "check").code == 0
    change_weights(project)
    project.edit('update = "20%"', 'update = "100%"')
    assert run(project, "build", "-q").code == 0
    project.edit('update = "100%"', 'update = "20%"')
    answer = run(project, "check", "words@fp32")
    assert answer.code == 3
    assert (
        "MP-E601 models.words.budget.update: words@fp32 makes returning users fetch 92.2 % of it again; "
        "expected at most 20.0 % (72.2 % over)"
    ) in answer.out.splitlines()
    assert run(project, "build", "words@fp32").code == 3


def test_check_growth_past_the_baseline_fails(project: Project) -> None:
    built(project)
    run(project, "baseline", "update", "-q")
    limit(project, 'download = "-10%"')
    answer = run(project, "check", "words@fp32")
    assert answer.code == 3
    assert (
        "MP-E601 models.words.budget.download: words@fp32 downloads 11.7 kB; expected at most 10.5 kB, "
        "-10 % on the baseline's 11.7 kB (1.17 kB over)"
    ) in answer.out.splitlines()


@pytest.mark.parametrize("name", ["modelpack.baseline.json", "modelpack.stats.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"baselineVersion": 2, "statsVersion": 2}'])
def test_check_malformed_file_is_one_line(project: Project, name: str, content: str) -> None:
    built(project)
    (project.folder / name).write_text(content)
    answer = run(project, "check")
    assert answer.code == 2
    assert answer.err.startswith(f"MP-E610 {name}: not ")
    assert answer.err.count("\n") == 1


def test_build_notices_that_the_stats_are_gone(project: Project) -> None:
    built(project)
    stats = project.folder / "modelpack.stats.json"
    content = stats.read_bytes()
    stats.unlink()
    built(project)
    assert stats.read_bytes() == content


def test_build_without_golden_sets_writes_no_stats(project: Project) -> None:
    assert run(project, "build", "-q", "faces").code == 0
    assert not (project.folder / "modelpack.stats.json").exists()


def test_build_that_cannot_write_stats_warns(project: Project) -> None:
    (project.folder / "modelpack.stats.json").mkdir()
    answer = run(project, "build")
    assert answer.code == 0
    assert "warning: MP-E702 " in answer.err
    assert run(project, "check").err.startswith("MP-E610 modelpack.stats.json: cannot be read (")


def test_stats_keep_what_others_measured(project: Project) -> None:
    built(project)
    stats = project.folder / "modelpack.stats.json"
    document = json.loads(stats.read_bytes())
    for entry in document["variants"].values():
        entry["runs"] = [{"latencyS": 0.5}]
    document["variants"]["0" * 64] = {"runs": []}
    stats.write_text(json.dumps(document))
    built(project)
    after = json.loads(stats.read_bytes())["variants"]
    assert [entry["runs"] for entry in after.values()] == [[{"latencyS": 0.5}]] * 3
    assert "0" * 64 not in after


# --- baseline and diff -------------------------------------------------------------------------------------------


def test_baseline_update_writes_figures_and_says_what_moved(project: Project) -> None:
    built(project)
    answer = run(project, "baseline", "update")
    assert (answer.code, answer.out) == (0, "")
    assert "words@q8" in answer.err
    written = json.loads((project.folder / "modelpack.baseline.json").read_bytes())
    assert written["baselineVersion"] == 1
    assert list(written["variants"]) == ["faces@fp16", "words@fp32", "words@q8"]
    words = written["variants"]["words@q8"]
    assert sorted(words) == [
        "accuracy",
        "assets",
        "chunks",
        "digest",
        "downloadBytes",
        "measured",
        "sizeBytes",
    ]
    assert sum(words["chunks"].values()) == words["downloadBytes"]
    assert words["accuracy"]["top1_agreement"] > 0.9


def test_baseline_update_of_one_model_keeps_the_others(project: Project) -> None:
    built(project)
    run(project, "baseline", "update", "words@q8", "-q")
    written = json.loads((project.folder / "modelpack.baseline.json").read_bytes())
    assert list(written["variants"]) == ["words@q8"]
    run(project, "baseline", "update", "faces", "-q")
    written = json.loads((project.folder / "modelpack.baseline.json").read_bytes())
    assert list(written["variants"]) == ["faces@fp16", "words@q8"]


def git(project: Project, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(project.folder), *words],
        check=True,
        capture_output=True,
    )


def test_diff_of_two_commits_and_what_is_published(project: Project) -> None:
    (project.folder / ".git").rmdir()
    git(project, "init", "-q")
    built(project)
    run(project, "baseline", "update", "-q")
    git(project, "add", "modelpack.baseline.json")
    git(project, "commit", "-q", "-m", "first")
    change_weights(project)
    built(project)
    answer = run(project, "diff", "HEAD", str(project.output))
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("\n2 of 3 variants changed\n")
    run(project, "baseline", "update", "-q")
    git(project, "commit", "-q", "-a", "-m", "second")
    again = run(project, "diff", "HEAD~1", "HEAD", "--json")
    found = {one["variant"]: one["refetchBytes"] for one in json.loads(again.out)["variants"]}
    assert found["faces@fp16"] == 0
    assert 0 < found["words@fp32"] < 11_000


@pytest.mark.parametrize("name", ["nothing-of-that-name", "--output=x"])
def test_diff_of_nothing_is_one_line(project: Project, name: str) -> None:
    answer = run(project, "diff", "modelpack.toml", "modelpack.toml")
    assert answer.code == 2
    answer = modelpack("diff", "-C", project.folder, "--", name, "HEAD")
    assert answer.code == 2
    assert answer.err.startswith(f"MP-E611 {name}")
    assert answer.err.count("\n") == 1


# --- report ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("text", "1 of 7 limits does not hold"),
        ("md", "### ⚠️ modelpack: 1 of 7 limits does not hold"),
        ("junit", '<testcase classname="words@q8" name="cosine"/>'),
        (
            "github",
            "::warning file=modelpack.toml,line=16,title=modelpack%3A words@fp32 download::",
        ),
        ("json", '"downloadBytes":'),
    ],
)
def test_report_never_fails(project: Project, form: str, words: str) -> None:
    built(project)
    run(project, "baseline", "update", "-q")
    limit(project, 'download = "9 kB"')
    project.edit(
        'fp32 = { device = "wasm" }', 'fp32 = { budget = { hints = "warning", update = "0%" } }'
    )
    answer = run(project, "report", "--format", form)
    assert (answer.code, answer.err) == (0, "")
    assert words in answer.out


def test_report_of_a_build_that_published_nothing(project: Project) -> None:
    limit(project, 'download = "9 kB"')
    answer = run(project, "build", "--json", "-q")
    assert answer.code == 3
    (project.folder / "build.json").write_text(answer.out)
    report = run(project, "report", "--format", "md", "--build", "build.json")
    assert report.code == 0
    assert "### ❌ modelpack: 1 of 6 limits does not hold" in report.out
    assert run(project, "check").code == 1


def test_report_of_no_build_is_one_line(project: Project) -> None:
    answer = run(project, "report", "--build", "modelpack.toml")
    assert answer.code == 2
    assert answer.err.startswith("MP-E611 ")


# --- golden ------------------------------------------------------------------------------------------------------


def test_golden_show_lists_the_worst_samples(project: Project) -> None:
    built(project)
    answer = run(project, "golden", "show", "words", "--worst", "2")
    assert answer.code == 0
    assert answer.out.startswith("words@q8: 16 samples judged\n  metric ")
    assert len(answer.out.splitlines()) == 11
    found = json.loads(run(project, "golden", "show", "words@q8", "--json").out)["variants"]
    evaluated = found["words@q8"]
    assert len(evaluated["figures"]) == evaluated["samples"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["show", "faces"], "MP-E116 faces: has no golden set — add [models.faces.golden]\n"),
        (["show", "words@nothing"], "MP-E116 "),
        (
            ["record", "words", "photos"],
            "MP-E101 record needs a folder and an .npz file to write — modelpack golden record MODEL FOLDER --out golden/model.npz\n",
        ),
    ],
)
def test_golden_of_nothing_is_one_line(project: Project, words: list[str], line: str) -> None:
    answer = run(project, "golden", *words)
    assert answer.code == 2
    assert answer.err.startswith(line)


def test_golden_show_before_a_build_says_build(project: Project) -> None:
    project.edit('cosine = ">= 0.99"', 'sqnr = ">= 9"')
    answer = run(project, "golden", "show", "words@q8")
    assert answer == Answer(
        2, "", "MP-E116 words@q8: is not evaluated as it is now — modelpack build words@q8\n"
    )
