import json

import pytest
import torch
from torch import nn
from transformers import DataCollatorForTokenClassification

from helpers.toys import encode, make_toy, make_trainer, raw_data, tokenizers
from hf_multiteacher import MultiTokenizer, Teacher
from hf_multiteacher.training.checkpoint import check_manifest, load_projections, save_manifest, save_projections

MANIFEST = {"teachers": [{"name": "one"}, {"name": "two"}], "arguments": {"temperature": 2.0, "layer_map": {-1: -1}}}


def test_the_same_manifest_is_accepted(tmp_path):
    save_manifest(tmp_path, MANIFEST)
    check_manifest(tmp_path, MANIFEST)


@pytest.mark.parametrize(
    ("now", "difference"),
    [
        ({"teachers": [{"name": "one"}]}, r"teachers was \[.*\] and is \[\{'name': 'one'\}\]"),
        (
            {"teachers": [{"name": "two"}, {"name": "one"}]},
            r"teachers\[0\].name was 'one' and is 'two'; teachers\[1\]",
        ),
        (
            {"arguments": {"temperature": 3.0, "layer_map": {-1: -1}}},
            r"are: arguments.temperature was 2.0 and is 3.0\.",
        ),
        ({"arguments": {"temperature": 2.0, "layer_map": {-1: 4}}}, r"arguments.layer_map.-1 was -1 and is 4"),
        ({"arguments": {"temperature": 2.0}}, r"arguments.layer_map was \{'-1': -1\} and is None"),
    ],
)
def test_every_difference_is_spelled_out(now, difference, tmp_path):
    save_manifest(tmp_path, MANIFEST)
    with pytest.raises(ValueError, match=difference):
        check_manifest(tmp_path, MANIFEST | now)


def test_a_checkpoint_that_does_not_tell_the_course_of_its_training_goes_on(tmp_path):
    save_manifest(tmp_path, MANIFEST)
    check_manifest(tmp_path, MANIFEST | {"training": {"seed": 7}})


def test_a_checkpoint_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no teacher_manifest.json"):
        check_manifest(tmp_path, MANIFEST)


def test_projections_are_saved_and_loaded(tmp_path):
    first, second = nn.Linear(3, 2, bias=False), nn.Linear(3, 2, bias=False)
    save_projections(tmp_path, first)
    load_projections(tmp_path, second)
    assert torch.equal(first.weight, second.weight)
    with pytest.raises(ValueError, match="save_only_model=True"):
        load_projections(tmp_path / "elsewhere", second)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A toy and the folder of its run, stopped in mid-epoch."""
    folder = tmp_path_factory.mktemp("run")
    toy = make_toy("tagging", tokenizers(), hidden_state_weight=0.5)
    make_trainer(toy, folder, max_steps=2, save_strategy="steps", save_steps=2).train()
    return toy, folder / "checkpoint-2"


def test_every_checkpoint_says_who_taught(run):
    manifest = json.loads((run[1] / "teacher_manifest.json").read_text())
    assert [teacher["name"] for teacher in manifest["teachers"]] == ["first", "second"]
    assert all(
        teacher[name].startswith("sha256:") for teacher in manifest["teachers"] for name in ("revision", "tokenizer")
    )
    assert manifest["arguments"] == {
        "teacher_weights": [0.5, 0.5],
        "teacher_weighting": "fixed",
        "ensemble": "probabilities",
        "temperature": 2.0,
        "soft_target_weight": 0.5,
        "hard_label_weight": 0.5,
        "hidden_state_weight": 0.5,
        "layer_map": None,
        "distill_positions": "labelled",
        "label_smoothing_factor": 0.0,
    }
    assert (run[1] / "projections.safetensors").is_file()


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"temperature": 3.0}, "arguments.temperature was 2.0 and is 3.0"),
        ({"teacher_weights": [3, 1]}, r"arguments.teacher_weights\[0\] was 0.5 and is 0.75"),
        ({"teacher_weighting": "entropy"}, "arguments.teacher_weighting was 'fixed' and is 'entropy'"),
        ({"ensemble": "logits"}, "arguments.ensemble was 'probabilities' and is 'logits'"),
        ({"layer_map": {1: 1}}, "arguments.layer_map was None and is"),
        ({"soft_target_weight": 1.0}, "arguments.soft_target_weight was 0.5 and is 1.0"),
        ({"learning_rate": 0.5}, r"training.learning_rate was \S+ and is 0.5"),
        ({"weight_decay": 0.3}, "training.weight_decay was 0.0 and is 0.3"),
        ({"lr_scheduler_type": "cosine"}, r"training.lr_scheduler_type was '\w+' and is 'cosine'"),
        ({"seed": 7}, r"training.seed was \d+ and is 7"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_resume_with_other_arguments_is_refused(changes, difference, run, tmp_path):
    toy, checkpoint = run
    with pytest.raises(ValueError, match=difference):
        make_trainer(toy, tmp_path, **changes).train(resume_from_checkpoint=str(checkpoint))


@pytest.mark.parametrize("change", [lambda data: data.select(range(1, len(data))), lambda data: data.skip(2)])
def test_a_resume_with_other_examples_is_refused(change, run, tmp_path):
    toy, checkpoint = run
    trainer = make_trainer(toy, tmp_path, hidden_state_weight=0.5, train_dataset=change(toy.train))
    with pytest.raises(ValueError, match=r"are: training.train_dataset was '\d+ examples, sha256:\w+' and is '\d+ ex"):
        trainer.train(resume_from_checkpoint=str(checkpoint))


def test_a_column_that_nobody_reads_may_differ_in_a_resume(run, tmp_path):
    toy, checkpoint = run
    noted = toy.train.add_column("note", [str(number) for number in range(len(toy.train))])
    trainer = make_trainer(toy, tmp_path, hidden_state_weight=0.5, max_steps=3, train_dataset=noted)
    trainer.train(resume_from_checkpoint=str(checkpoint))
    assert trainer.state.global_step == 3


def test_the_log_says_from_which_step_on_the_time_was_taken(run, tmp_path):
    toy, checkpoint = run
    trainer = make_trainer(toy, tmp_path, hidden_state_weight=0.5, max_steps=4)
    trainer.train(resume_from_checkpoint=str(checkpoint))
    timed = [entry for entry in trainer.state.log_history if "train_runtime" in entry]
    assert timed[-1]["first_step"] == int(checkpoint.name.split("-")[1]) > 0


def test_equal_weights_written_in_another_way_are_the_same(run, tmp_path):
    toy, checkpoint = run
    trainer = make_trainer(toy, tmp_path, max_steps=3, teacher_weights=[2, 2], ensemble="probabilities")
    trainer.train(resume_from_checkpoint=str(checkpoint))
    assert trainer.state.global_step == 3


def test_a_resume_with_other_teachers_is_refused(run, tmp_path):
    toy, checkpoint = run
    other = make_toy("tagging", (toy.tokenizer, toy.teachers[1].tokenizer)).teachers[1].model
    with torch.no_grad():
        other.classifier.bias.add_(1)
    changed = [toy.teachers[0], Teacher(other, tokenizer=toy.teachers[1].tokenizer, name="second")]
    with pytest.raises(ValueError, match=r"are: teachers\[1\].revision was 'sha256:\w+' and is 'sha256:\w+'\. Use"):
        make_trainer(toy, tmp_path, teachers=changed).train(resume_from_checkpoint=str(checkpoint))


def test_a_resume_with_the_teachers_in_another_order_is_refused(run, tmp_path):
    toy, checkpoint = run
    data = encode(
        "tagging", raw_data("tagging"), MultiTokenizer(toy.tokenizer, [toy.teachers[1].tokenizer, toy.tokenizer])
    )
    permuted = make_trainer(toy, tmp_path, teachers=toy.teachers[::-1], train_dataset=data, eval_dataset=None)
    with pytest.raises(ValueError, match=r"teachers\[0\].name was 'first' and is 'second'"):
        permuted.train(resume_from_checkpoint=str(checkpoint))


def test_a_checkpoint_of_a_run_without_teachers_is_refused(run, tmp_path):
    toy, _ = run
    plain = {"teachers": [], "data_collator": DataCollatorForTokenClassification(toy.tokenizer), "eval_dataset": None}
    columns = ["input_ids", "attention_mask", "labels"]
    data = toy.train.select_columns(columns)
    make_trainer(toy, tmp_path, max_steps=1, save_strategy="steps", save_steps=1, train_dataset=data, **plain).train()
    with pytest.raises(ValueError, match="was not written by MultiTeacherDistillationTrainer with teachers"):
        make_trainer(toy, tmp_path).train(resume_from_checkpoint=True)


def test_a_checkpoint_of_the_model_alone_has_a_manifest_and_cannot_continue_the_projections(run, tmp_path):
    toy, _ = run
    settings = {"save_strategy": "steps", "save_steps": 1, "save_only_model": True}
    make_trainer(toy, tmp_path, max_steps=1, **settings).train()
    assert (tmp_path / "checkpoint-1" / "teacher_manifest.json").is_file()
    with pytest.raises(ValueError, match="no projections.safetensors: it was saved with save_only_model=True"):
        make_trainer(toy, tmp_path).train(resume_from_checkpoint=True)
