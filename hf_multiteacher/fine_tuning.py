"""Fine-tune a pretrained encoder on a labelled task, alone or with teachers; one way for demo and examples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from datasets import DatasetDict
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    EvalPrediction,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from .tokenization import MultiTokenizer
from .trainer import MultiTeacherDistillationTrainer
from .training_args import DistillationTrainingArguments
