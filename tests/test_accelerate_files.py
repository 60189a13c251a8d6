"""The files of `examples/accelerate`: accelerate reads each, and means by it what the file says."""

from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from accelerate.utils.launch import prepare_multi_gpu_env

from hf_multiteacher import DistillationTrainingArguments
from hf_multiteacher.training.checks import refused_ways_to_run

FOLDER = Path(__file__).parents[1] / "examples/accelerate"
KINDS = {
    "cpu": DistributedType.MULTI_CPU,
    "deepspeed": DistributedType.DEEPSPEED,
    "fsdp": DistributedType.FSDP,
    "gpus": DistributedType.MULTI_GPU,
    "machines": DistributedType.MULTI_GPU,
}


def test_there_is_one_file_per_kind():
    assert {path.stem for path in FOLDER.iterdir()} == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_accelerate_reads_it_and_it_says_how_it_is_started(name):
    path = FOLDER / f"{name}.yaml"
    config = load_config_from_file(str(path))
    assert config.distributed_type is KINDS[name]
    assert f"accelerate launch --config_file examples/accelerate/{name}.yaml " in path.read_text("utf-8")


def launched(name, monkeypatch):
    """The arguments of a launch with a file, and the environment that its processes have."""
    parser = launch_command_parser()
    args, _, _ = _validate_launch_command(
        parser.parse_args(["--config_file", str(FOLDER / f"{name}.yaml"), "--main_process_port", "0", "script.py"])
    )
    for key, value in prepare_multi_gpu_env(args).items():
        monkeypatch.setenv(key, value)
    return args


def test_the_student_is_sharded_as_a_run_with_teachers_allows(monkeypatch, tmp_path):
    assert launched("fsdp", monkeypatch).use_fsdp
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward
    assert plugin.transformer_cls_names_to_wrap == ["BertLayer"]

    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    ways = refused_ways_to_run(args, fsdp=plugin, deepspeed=False, model_parallel=False, own_scheduler=False)
    assert [refusal.says for refusal in ways if refusal.when] == []


def test_deepspeed_runs_in_a_stage_that_is_allowed(monkeypatch):
    args = launched("deepspeed", monkeypatch)
    assert args.use_deepspeed and args.zero_stage in (1, 2)
