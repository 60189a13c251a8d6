"""What the Hub demands of a card's metadata, as it says on https://huggingface.co/docs/hub/model-cards."""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from huggingface_hub.utils import HFValidationError, validate_repo_id
from transformers.pipelines import SUPPORTED_TASKS

LANGUAGE = re.compile(r"[a-z]{2,3}|code|multilingual")
DATA = re.compile(r"(?:[\w-]+/)?[\w.-]+", re.ASCII)
MODEL = re.compile(r"(?:[\w-][\w.-]*/)?[\w-][\w.-]*", re.ASCII)
IDS = (DATA, MODEL)
RELATIONS = ("adapter", "finetune", "merge", "quantized")
OTHER_PIPELINES = ("sentence-similarity", "translation", "summarization", "question-answering", "other")
LICENSES = set(
    """afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
    bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
    cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0
    etalab-2.0 eupl-1.1 eupl-1.2 fair-noncommercial-research-license gemma gfdl gpl gpl-2.0 gpl-3.0 h-research
    intel-research isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit
    mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openmdw-1.0 openrail openrail++ osl-3.0 other pddl postgresql unknown
    unlicense wtfpl zlib""".split()
)
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")


def problems(content: str, kind: str) -> tuple[list[str], list[str]]:
    """Return the errors, for which the Hub refuses the card, and the warnings."""
    block = REGEX_YAML_BLOCK.search(content)
    if block is None:
        return [], ["empty or missing yaml metadata in repo card"]

    try:
        metadata = yaml.safe_load(block.group(2)) or {}
    except yaml.YAMLError as error:
        return [f"the metadata is no YAML: {error}"], []
    if not isinstance(metadata, dict):
        return ["the metadata must be an object"], []

    check = {"model": _model_errors, "space": _space_errors}.get(kind)
    pipeline = metadata.get("pipeline_tag")
    unknown = pipeline is not None and pipeline not in (*SUPPORTED_TASKS, *OTHER_PIPELINES)
    warnings = [f'the pipeline tag "{pipeline}" is not in the official list'] if unknown else []
    return list(check(metadata)) if check else [], warnings


def _model_errors(metadata: dict[str, Any]) -> Iterator[str]:
    yield from _not_fitting(metadata, "language", LANGUAGE)
    yield from _not_fitting(metadata, "datasets", DATA)
    yield from _not_fitting(metadata, "base_model", MODEL)
    for name in ("tags", "metrics"):
        yield from _not_fitting(metadata, name, re.compile(r"\S.*"))

    for name in ("library_name", "pipeline_tag"):
        if not isinstance(metadata.get(name, ""), str):
            yield f'"{name}" must be a string'
    if metadata.get("license", "other") not in LICENSES:
        yield f'"license" must be one of the Hub\'s ids, not {metadata["license"]!r}'
    if metadata.get("base_model_relation", "merge") not in RELATIONS:
        yield f'"base_model_relation" must be one of {RELATIONS}'

    index = metadata.get("model-index", [])
    if not isinstance(index, list):
        yield '"model-index" must be an array'
    else:
        for place, entry in enumerate(index):
            yield from _index_errors(entry, f"model-index[{place}]")


def _is_repo_id(value: str) -> bool:
    try:
        validate_repo_id(value)
    except HFValidationError:
        return False
    return True


def _not_fitting(metadata: dict[str, Any], name: str, pattern: re.Pattern[str]) -> Iterator[str]:
    values = metadata.get(name, [])
    for place, value in enumerate(values if isinstance(values, list) else [values]):
        if not isinstance(value, str) or not pattern.fullmatch(value) or (pattern in IDS and not _is_repo_id(value)):
            yield f'"{name}[{place}]" with value {value!r} is not valid'


def _index_errors(entry: Any, where: str) -> Iterator[str]:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        yield f'"{where}.name" is required'
        return
    results = entry.get("results")
    if not isinstance(results, list):
        yield f'"{where}.results" is required'
        return
    for place, result in enumerate(results):
        yield from _result_errors(result, f"{where}.results[{place}]")


def _result_errors(result: dict[str, Any], where: str) -> Iterator[str]:
    required = {"task": ("type",), "dataset": ("name", "type")}
    for part, names in required.items():
        for name in names:
            value = (result.get(part) or {}).get(name)
            if not isinstance(value, str) or not value.strip():
                yield f'"{where}.{part}.{name}" is required'

    kind = (result.get("dataset") or {}).get("type")
    if isinstance(kind, str) and not (DATA.fullmatch(kind) and _is_repo_id(kind)):
        yield f'"{where}.dataset.type" with value "{kind}" fails to match the required pattern'

    metrics = result.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        yield f'"{where}.metrics" is required'
        return
    for place, metric in enumerate(metrics):
        if not isinstance(metric.get("type"), str) or metric.get("value") is None:
            yield f'"{where}.metrics[{place}]" needs a type and a value'


def _space_errors(metadata: dict[str, Any]) -> Iterator[str]:
    if metadata.get("sdk") not in ("gradio", "docker", "static"):
        yield '"sdk" must be one of gradio, docker, static'
    for name in ("colorFrom", "colorTo"):
        if metadata.get(name, "red") not in COLOURS:
            yield f'"{name}" must be one of {COLOURS}'
