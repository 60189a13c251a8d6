"""The page of a metric's Space: outputs of two models in, loyalty out.

evaluate's own `launch_gradio_widget` calls `gradio.inputs`, which gradio 4 removed; this page needs no more of gradio
than all versions since 3 have.
"""

import json
import runpy
from pathlib import Path
from typing import Any

import evaluate
from evaluate.utils.gradio import parse_readme


def launch(script: Path) -> None:
    """Serve the page of the metric in `script`, with the examples of `tests.py` and the card beside it."""
    import gradio

    def _compute(config_name: str, predictions: str, references: str, options: str) -> Any:
        try:
            metric = evaluate.load(str(script), config_name)
            inputs = {"predictions": json.loads(predictions), "references": json.loads(references)}
            return json.loads(json.dumps(metric.compute(**inputs, **json.loads(options))))  # class numbers as strings
        except (ValueError, TypeError) as error:
            raise gradio.Error(str(error)) from error

    metric = evaluate.load(str(script))
    examples = [
        [case.get("config_name", metric.config_name)]
        + [json.dumps(case.get(key, {})) for key in ("predictions", "references", "options")]
        for case in runpy.run_path(str(script.with_name("tests.py")))["test_cases"]
    ]

    gradio.Interface(
        fn=_compute,
        inputs=[
            gradio.Dropdown(list(metric.reports), value=metric.config_name, label="configuration"),
            gradio.Textbox(examples[0][1], label="predictions: the student's outputs, as JSON"),
            gradio.Textbox(examples[0][2], label="references: the teacher's outputs, as JSON"),
            gradio.Textbox("{}", label="options of compute, as JSON"),
        ],
        outputs=gradio.JSON(label=metric.name),
        examples=examples,
        title=f"Metric: {metric.name}",
        description=metric.description,
        article=parse_readme(script.with_name("README.md")),
    ).launch()
