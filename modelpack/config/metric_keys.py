"""The keys of `golden.metrics`: each metric in the one direction that makes sense for it."""

from __future__ import annotations

from modelpack.config.containers import Key
from modelpack.config.metrics_field import MetricsTable
from modelpack.config.threshold_field import Threshold, ThresholdField
from modelpack.spec.limits import Metric

_RATIO = r"(0(\.[0-9]{1,9})?|1(\.0{1,9})?)"
_DECIBELS = r"[0-9]{1,3}(\.[0-9]{1,6})?"
_ERROR = r"[0-9]{1,9}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?"

COSINE = Key(
    "cosine",
    ThresholdField(">=", "0.99", _RATIO),
    "Least mean cosine similarity with the fp32 outputs.",
)
MAX_ABS_ERROR = Key(
    "max_abs_error",
    ThresholdField("<=", "0.01", _ERROR),
    "Most absolute difference from the fp32 outputs.",
)
TOP1_AGREEMENT = Key(
    "top1_agreement",
    ThresholdField(">=", "0.97", _RATIO),
    "Least share of samples whose highest output is the one of fp32.",
)
MEAN_ABS_ERROR = Key(
    "mean_abs_error",
    ThresholdField("<=", "0.001", _ERROR),
    "Most mean absolute difference from the fp32 outputs.",
)
SQNR = Key(
    "sqnr",
    ThresholdField(">=", "30", _DECIBELS),
    "Least signal to quantisation noise, in decibels.",
)
KL_DIVERGENCE = Key(
    "kl_divergence",
    ThresholdField("<=", "0.01", _ERROR),
    "Most divergence from the fp32 class probabilities, in nats.",
)
TOP5_AGREEMENT = Key(
    "top5_agreement",
    ThresholdField(">=", "0.99", _RATIO),
    "Least share of samples whose highest fp32 output is among the five highest.",
)
RETRIEVAL_AGREEMENT = Key(
    "retrieval_agreement",
    ThresholdField(">=", "0.95", _RATIO),
    "Least share of each embedding's ten nearest samples that are those of fp32.",
)
BOX_IOU = Key(
    "box_iou",
    ThresholdField(">=", "0.9", _RATIO),
    "Least overlap of detected boxes with those of fp32.",
)
TOKEN_AGREEMENT = Key(
    "token_agreement",
    ThresholdField(">=", "0.98", _RATIO),
    "Least share of positions whose most likely next token is the one of fp32.",
)
PERPLEXITY = Key(
    "perplexity",
    ThresholdField("<=", "20", _ERROR),
    "Most perplexity of the variant on the texts.",
)
ACCURACY = Key(
    "accuracy", ThresholdField(">=", "0.95", _RATIO), "Least share of labels that are met."
)
F1 = Key("f1", ThresholdField(">=", "0.9", _RATIO), "Least F1 score, the mean over classes.")
METRIC_KEYS: tuple[tuple[Metric, Key[Threshold]], ...] = (
    ("cosine", COSINE),
    ("max_abs_error", MAX_ABS_ERROR),
    ("mean_abs_error", MEAN_ABS_ERROR),
    ("sqnr", SQNR),
    ("kl_divergence", KL_DIVERGENCE),
    ("top1_agreement", TOP1_AGREEMENT),
    ("top5_agreement", TOP5_AGREEMENT),
    ("retrieval_agreement", RETRIEVAL_AGREEMENT),
    ("box_iou", BOX_IOU),
    ("token_agreement", TOKEN_AGREEMENT),
    ("perplexity", PERPLEXITY),
    ("accuracy", ACCURACY),
    ("f1", F1),
)
METRICS = Key(
    "metrics",
    MetricsTable("metrics", tuple(key for _, key in METRIC_KEYS)),
    "Accuracy limits: against the fp32 model, against labels (accuracy, f1), or by a function of the project (`python:module:function`).",
)
