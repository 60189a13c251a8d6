"""The benchmark: every contender that needs nothing installed runs, trains on the same, and the page is its JSON's."""

import json
import re
from dataclasses import replace
from importlib import import_module

import pytest
import torch

from benchmark.clock import Clock
from benchmark.contenders import CONTENDERS, FROM_THE_PACKAGE_INDEX, NotAvailable
from benchmark.distillation import make_trainer
from benchmark.examples import draw_examples
from benchmark.models import student, teachers
from benchmark.page import DOCS, FIGURES, TEMPLATES, page
from benchmark.parts import measure_parts
from benchmark.ranks import together_of
from benchmark.settings import LENGTHS, Settings, small
from benchmark.steps import cosine, figures_of_rounds
from benchmark.table import print_tables
from benchmark.workload import Workload, write_batches

HERE = [name for name in CONTENDERS if name not in FROM_THE_PACKAGE_INDEX]


@pytest.fixture(scope="module")
def settings():
    """Toy size, and no dropout, so that all contenders compute the same."""
    return small(Settings(), dropout=0.0, warmup=1, steps=1)


@pytest.fixture(scope="module")
def workload(settings, tmp_path_factory):
    """Batches of natural lengths."""
    folder = tmp_path_factory.mktemp("workload")
    settings.save(folder)
    write_batches(settings, "natural", folder)
    return Workload.load(folder, "natural")


def measured(name, workload):
    """What the clock says of a contender."""
    module, clock = import_module(f"benchmark.contenders.{name.replace('-', '_')}"), Clock(workload.settings)
    try:
        if hasattr(module, "prepare"):
            module.prepare(workload)
        module.train(workload, clock)
    except NotAvailable as reason:
        pytest.skip(str(reason))
    return clock.result()


@pytest.mark.parametrize("name", HERE)
def test_a_contender_takes_the_steps_that_it_should(name, workload):
    result = measured(name, workload)
    assert set(result) == {"cpu_seconds", "wall_seconds", "peak_megabytes", "gradient"}
    assert any(result["gradient"])
    assert len(result["cpu_seconds"]) == workload.settings.steps


@pytest.mark.parametrize("name", ["subclass", "bare"])
def test_contenders_minimise_what_ours_does(name, workload):
    ours, other = measured("ours", workload)["gradient"], measured(name, workload)["gradient"]
    assert torch.allclose(torch.tensor(ours), torch.tensor(other), rtol=1e-3, atol=1e-7)


def test_ours_reads_the_batches_that_the_others_are_given(workload):
    trainer = make_trainer(workload, student(workload.settings), teachers(workload.settings), Clock(workload.settings))
    seen, compute_loss = [], trainer.compute_loss
    trainer.compute_loss = lambda model, inputs, *rest, **options: (
        seen.append(dict(inputs)) or compute_loss(model, inputs, *rest, **options)
    )
    trainer.train()

    for batch, others in zip(seen, workload.batches, strict=True):
        assert all(torch.equal(batch[name], others[name]) for name in others)


def test_padding_adds_nothing_that_counts(workload):
    for padded, trimmed in zip(workload.padded(), workload.batches, strict=True):
        assert padded["input_ids"].shape[1] == workload.settings.length
        assert padded["attention_mask"].sum() == trimmed["attention_mask"].sum()
        assert (padded["labels"] != -100).sum() == (trimmed["labels"] != -100).sum()


def test_grouped_examples_are_the_natural_ones_in_another_order(settings):
    sizes = replace(settings, steps=8)
    natural, grouped, full = (draw_examples(sizes, lengths) for lengths in LENGTHS)
    assert grouped != natural
    assert sorted(map(str, grouped)) == sorted(map(str, natural))
    assert {len(example["input_ids"]) for example in full} == {sizes.length}

    batches = [grouped[start : start + sizes.batch] for start in range(sizes.batch, len(grouped), sizes.batch)]
    spans = sorted(
        (min(lengths), max(lengths)) for batch in batches if (lengths := [len(e["input_ids"]) for e in batch])
    )
    assert all(longest <= shortest for (_, longest), (shortest, _) in zip(spans, spans[1:], strict=False))


def test_each_step_counts_by_the_least_of_its_rounds():
    one = {"peak_megabytes": 1.0, "gradient": [1.0]}
    rounds = {
        name: [one | {"cpu_seconds": steps, "wall_seconds": steps} for steps in taken]
        for name, taken in {"ours": ([1.0, 9.0], [5.0, 3.0]), "bare": ([2.0, 8.0], [7.0, 6.0])}.items()
    }
    figures = figures_of_rounds(rounds)
    assert figures["ours"]["cpu_seconds"] == 2.0  # of 1 and 3
    assert figures["bare"]["cpu_ratio"] == 2.0  # 4, of 2 and 6, over 2
    assert cosine([1.0, 0.0], [0.0, 1.0]) == 0


def test_a_step_of_several_ranks_takes_as_long_as_on_the_slowest_in_its_fastest_round():
    def rank(*steps):
        return {"wall_seconds": list(steps), "cpu_seconds": list(steps), "peak_megabytes": steps[0]}

    together = together_of([[rank(1.0, 4.0), rank(2.0, 3.0)], [rank(5.0, 2.0), rank(1.0, 1.0)]], batch=8)
    assert together["wall_seconds"] == 2.0  # of 2 and 5, and of 4 and 2
    assert together["texts_per_second"] == 2 * 8 / 2.0
    assert together["peak_megabytes"] == 5.0


def test_a_clock_refuses_a_contender_that_took_other_steps(settings):
    with pytest.raises(RuntimeError, match="expects 2 steps, but the contender took 0"):
        Clock(settings).result()


def test_the_rest_is_measured_beside_baselines(settings, tmp_path):
    sizes = replace(settings, texts=20, loyalty_rows=1000, sentences=8)
    figures = measure_parts(sizes, tmp_path, lambda line: None)
    assert {"encoding", "label loyalty", "evaluation"} < set(figures)
    assert all(row["ratio"] > 0 and row["against"] for row in figures.values())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_page_is_written_from_its_figures(path):
    assert path.read_text("utf-8") == page(path), (
        f"{path.name} is not what its JSON says: run python -m tests.benchmark --write-docs"
    )
    assert (DOCS / "performance.png").exists()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_number_in_the_tables_of_a_page_is_in_the_json(path):
    numbers = [*_numbers(json.loads(path.with_suffix(".json").read_text("utf-8")))]
    shown = {f"{n:,.0f}" for n in numbers} | {f"{n:.3g}" for n in numbers} | {f"{n:.2f}" for n in numbers}
    cells = [
        cell.strip()
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("|")
        for cell in line.split("|")
    ]

    figures = [cell for cell in cells if re.fullmatch(r"-?[\d.,]+(e-?\d+)?", cell)]
    assert len(figures) > 20
    assert [figure for figure in figures if figure not in shown] == []


def test_a_table_fits_a_terminal(capsys):
    print_tables({"steps": json.loads(FIGURES.read_text("utf-8"))["steps"]})
    table = re.findall(r"^(?:ours|bare|floor|subclass|student-alone) .*$", capsys.readouterr().out, re.MULTILINE)
    assert table
    assert max(map(len, table)) <= 80


def _numbers(value):
    if isinstance(value, dict | list):
        for inner in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _numbers(inner)
    elif isinstance(value, int | float):
        yield value
    elif isinstance(value, str) and value.isdigit():  # how many ranks there are is a key
        yield int(value)
