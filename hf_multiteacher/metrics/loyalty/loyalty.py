"""Loyalty of a student to its teacher: an evaluate module, and the base class of those that give one figure each."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar

import datasets
import evaluate
import numpy as np
import pyarrow
from pyarrow import compute

from hf_multiteacher.loyalty import (
    as_array,
    classification_report,
    label_report,
    regression_report,
    same_labels,
    same_outputs,
    same_shape,
    score_rows,
)

_DESCRIPTION = """
Loyalty says how closely a student model follows its teacher: label loyalty is the share of rows where both choose the
same label, probability loyalty the mean of one minus the Jensen-Shannon distance of their distributions, regression
loyalty the Pearson correlation of their outputs. The true labels play no part.
"""

_CITATION = r"""
@inproceedings{xu-etal-2021-beyond,
    title = "Beyond Preserved Accuracy: Evaluating Loyalty and Robustness of {BERT} Compression",
    author = "Xu, Canwen and Zhou, Wangchunshu and Ge, Tao and Xu, Ke and McAuley, Julian and Wei, Furu",
    booktitle = "Proceedings of the 2021 Conference on Empirical Methods in Natural Language Processing",
    year = "2021",
    eprint = "2109.03228",
    archivePrefix = "arXiv"
}
@inproceedings{avram-etal-2022-distilling,
    title = "Distilling the Knowledge of {R}omanian {BERT}s Using Multiple Teachers",
    author = "Avram, Andrei-Marius and Catrina, Darius and Cercel, Dumitru-Clementin and Dasc{\u{a}}lu, Mihai and
      Rebedea, Traian and P{\u{a}}i{\textcommabelow{s}}, Vasile and Tufi{\textcommabelow{s}}, Dan",
    booktitle = "Proceedings of the Thirteenth Language Resources and Evaluation Conference",
    year = "2022",
    eprint = "2112.12650",
    archivePrefix = "arXiv"
}
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: the student's outputs, `references`: the teacher's, of the same shape and for the same examples.
        "classification" (default): probabilities, or logits with `from_logits=True`, of shape [..., classes];
        "labels": class labels, integers of any shape, where -100 in either leaves the row out;
        "regression": one number per row.
    references: see `predictions`.
    from_logits (bool): "classification": whether these are logits. Default False.
    base (float): "classification": base of the logarithm. Default None, the natural one.
    mask: booleans, one per row, true for the rows that count. Default None, all.
    per_class (bool): not for "regression": add figures per class of the teacher. Default False.
    kappa (bool): not for "regression": add Cohen's kappa. Default False.
    confidence_level (float): such as 0.95: add bootstrap intervals. Default: none.
    bootstrap_samples (int): resamples behind an interval. Default 1000.
    seed (int): of the resamples. Default 0.
Returns:
    label_loyalty (float): "classification" and "labels": from 0 to 1, higher is closer.
    probability_loyalty (float): "classification": from 0.1674 (base 2: from 0) to 1, higher is closer.
    regression_loyalty (float): "regression": from -1 to 1, higher is closer.
    *_interval (list): lower and upper end, for each of these, with `confidence_level`.
    per_class (dict): number of rows and loyalty for each class that the teacher chose, with `per_class`.
    cohen_kappa (float): from -1 to 1, with `kappa`; NaN where only one class occurs.
Examples:
    >>> loyalty = evaluate.load("loyalty")
    >>> student, teacher = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], [[0.5, 0.3, 0.2], [0.1, 0.5, 0.4]]
    >>> {name: round(value, 6) for name, value in loyalty.compute(predictions=student, references=teacher).items()}
    {'label_loyalty': 0.5, 'probability_loyalty': 0.85067}
    >>> evaluate.load("loyalty", "labels").compute(predictions=[0, 1, 2, 0], references=[0, 1, 1, -100])
    {'label_loyalty': 0.6666666666666666}
    >>> regression = evaluate.load("loyalty", "regression")
    >>> round(regression.compute(predictions=[0.1, 2.1, 2.9], references=[0, 2, 3])["regression_loyalty"], 6)
    0.998625
"""

ENTRIES_AT_A_TIME = 1 << 24


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class LoyaltyMetric(evaluate.Metric):
    """One report function per configuration; a subclass names its own in `reports` and describes itself in `_info`."""

    reports: ClassVar[dict[str, Callable[..., dict[str, Any]]]] = {
        "classification": classification_report,
        "labels": label_report,
        "regression": regression_report,
    }

    def __init__(self, config_name: str | None = None, **options: Any) -> None:
        super().__init__(config_name=config_name or next(iter(self.reports)), **options)
        self.info.module_name = self.name.removesuffix("_metric")

    def _info(self) -> evaluate.MetricInfo:
        return self._describe(_DESCRIPTION, _KWARGS_DESCRIPTION)

    def _describe(self, description: str, inputs_description: str) -> evaluate.MetricInfo:
        if self.config_name not in self.reports:
            raise ValueError(
                f"{type(self).__name__} has the configurations {list(self.reports)}, but got '{self.config_name}'."
            )

        value = datasets.Value("int64" if self.config_name == "labels" else "float64")
        feature = datasets.Sequence(value) if self.config_name == "classification" else value
        info = evaluate.MetricInfo(
            description=description,
            citation=_CITATION,
            inputs_description=inputs_description,
            features=datasets.Features({"predictions": feature, "references": feature}),
            reference_urls=["https://arxiv.org/abs/2109.03228", "https://arxiv.org/abs/2112.12650"],
        )
        info.format = "arrow"  # set here because evaluate refuses it for rows of several values: reads without a copy
        return info

    def _build_data_dir(self) -> str:
        """Give evaluate's cache folder, or where it cannot be written a temporary one of this object's own."""
        try:
            folder = super()._build_data_dir()
            writable = os.access(folder, os.W_OK)
        except OSError:
            writable = False
        if writable:
            return folder

        if self.num_process > 1:
            raise PermissionError(
                f"{type(self).__name__} expects a cache folder that all {self.num_process} processes can write, since "
                f"they exchange their rows there, but {self._data_dir_root} is read-only. Pass cache_dir=."
            )

        folder = tempfile.mkdtemp(prefix="hf-multiteacher-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def add_batch(self, *, predictions: Any = None, references: Any = None) -> None:
        """Add rows of the student (`predictions`) and of the teacher (`references`)."""
        student, teacher = self._rows(predictions, references)
        if self.writer is None:
            self.selected_feature_format = self.features
            self._init_writer()

        step = max(1, ENTRIES_AT_A_TIME * len(student) // max(1, student.size))
        for start in range(0, len(student), step):
            columns = [_to_arrow(rows[start : start + step]) for rows in (student, teacher)]
            self.writer.write_batch(dict(zip(self.features, columns, strict=True)), writer_batch_size=step)

    def add(
        self, *, prediction: Any = None, reference: Any = None, predictions: Any = None, references: Any = None
    ) -> None:
        """Add one row of the student and of the teacher; `evaluate.combine` gives them under the plural names."""
        student = as_array(predictions if prediction is None else prediction)
        teacher = as_array(references if reference is None else reference)
        self.add_batch(predictions=student[None], references=teacher[None])

    def _rows(self, predictions: Any, references: Any) -> tuple[np.ndarray, np.ndarray]:
        if self.config_name == "classification":
            student, teacher = same_shape(predictions, references)
            return score_rows(student), score_rows(teacher)

        check = same_labels if self.config_name == "labels" else same_outputs
        student, teacher = check(predictions, references)
        return student.ravel(), teacher.ravel()

    def compute(self, *, predictions: Any = None, references: Any = None, **options: Any) -> dict[str, Any] | None:
        """Compare the rows that were added, or these, with the options of the configuration."""
        parameters = signature(self.reports[self.config_name]).parameters.values()
        known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
        if unknown := sorted(options.keys() - {*known, *self._feature_names()}):
            raise TypeError(
                f"{type(self).__name__} with the configuration '{self.config_name}' has the options {known}, but got "
                f"{unknown}. Correct them or leave them out."
            )
        return super().compute(predictions=predictions, references=references, **options)

    # evaluate's own test of every module wants each option by name; None stands for the report's own default.
    def _compute(
        self,
        *,
        predictions: Any,
        references: Any,
        from_logits: bool | None = None,
        base: float | None = None,
        mask: Any = None,
        per_class: bool | None = None,
        kappa: bool | None = None,
        confidence_level: float | None = None,
        bootstrap_samples: int | None = None,
        seed: int | None = None,
    ) -> dict[str, Any]:
        given = {
            "from_logits": from_logits,
            "base": base,
            "mask": None if mask is None else as_array(mask).ravel(),
            "per_class": per_class,
            "kappa": kappa,
            "confidence_level": confidence_level,
            "bootstrap_samples": bootstrap_samples,
            "seed": seed,
        }
        options = {name: value for name, value in given.items() if value is not None}
        return self.reports[self.config_name](_to_numpy(predictions), _to_numpy(references), **options)


def _to_arrow(rows: np.ndarray) -> pyarrow.Array:
    whole = rows.dtype.kind in "biu" and rows.ndim == 1
    values = pyarrow.array(rows.ravel().astype(np.int64 if whole else np.float64))
    if rows.ndim == 1:
        return values
    starts = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    return pyarrow.ListArray.from_arrays(starts, values)


def _to_numpy(column: pyarrow.ChunkedArray) -> np.ndarray:
    if not pyarrow.types.is_list(column.type):
        return column.to_numpy()

    classes = compute.unique(compute.list_value_length(column)).to_pylist()
    if len(classes) > 1:
        raise ValueError(
            f"Loyalty expects the same classes in every row, but the rows added have {sorted(classes)} classes. "
            "Add the outputs of one model pair at a time."
        )

    values = [chunk.flatten().to_numpy() for chunk in column.chunks]
    return np.concatenate([np.empty(0), *values]).reshape(-1, *classes)
