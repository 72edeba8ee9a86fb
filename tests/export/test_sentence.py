from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.errors import StepError
from modelpack.export.sentence import Normalize, Pooling, read_stages, transformer_folder
from tests.support.checkpoints import MODULES, make_checkpoint, make_sentence_checkpoint, write


def test_sentence_stages_are_those_behind_the_transformer(tmp_path: Path) -> None:
    assert read_stages(make_sentence_checkpoint(tmp_path)) == (Pooling(("mean",)), Normalize())


def test_sentence_stages_of_another_checkpoint_are_none(tmp_path: Path) -> None:
    assert read_stages(make_checkpoint(tmp_path)) == ()
    assert transformer_folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("config", "ways"),
    [
        ({"pooling_mode_cls_token": True}, ("cls",)),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, ("max", "mean")),
        ({"pooling_mode": "lasttoken"}, ("lasttoken",)),
        ({"pooling_mode": ["mean", "cls"]}, ("mean", "cls")),
    ],
)
def test_sentence_pooling_has_the_ways_of_its_configuration(
    tmp_path: Path, config: object, ways: tuple[str, ...]
) -> None:
    folder = make_sentence_checkpoint(tmp_path)
    write(folder / "1_Pooling" / "config.json", config)
    assert read_stages(folder)[0] == Pooling(ways)


@pytest.mark.parametrize("config", [{}, {"pooling_mode": "median"}, {"pooling_mode": ["median"]}])
def test_sentence_pooling_in_no_known_way_is_refused(tmp_path: Path, config: object) -> None:
    folder = make_sentence_checkpoint(tmp_path)
    write(folder / "1_Pooling" / "config.json", config)
    with pytest.raises(StepError, match=r"MP-E460 1_Pooling/config\.json names no way"):
        read_stages(folder)


def test_sentence_stage_of_another_kind_is_refused(tmp_path: Path) -> None:
    odd = {**MODULES[1], "type": "sentence_transformers.models.LSTM"}
    folder = make_checkpoint(tmp_path, modules__json=[MODULES[0], odd])
    with pytest.raises(StepError, match=r'MP-E460.*models\.LSTM.*library = "transformers"'):
        read_stages(folder)


def test_sentence_dense_layer_with_an_unknown_activation_is_refused(tmp_path: Path) -> None:
    dense = {**MODULES[1], "type": "sentence_transformers.models.Dense", "path": "2_Dense"}
    folder = make_checkpoint(tmp_path, modules__json=[dense])
    write(folder / "2_Dense" / "config.json", {"activation_function": "torch.nn.Mish"})
    with pytest.raises(StepError, match=r'MP-E460.*"Mish"; expected Identity, Tanh'):
        read_stages(folder)


def test_sentence_transformer_may_lie_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "modules.json", [{**MODULES[0], "path": "0_Transformer"}])
    assert transformer_folder(tmp_path) == tmp_path / "0_Transformer"
