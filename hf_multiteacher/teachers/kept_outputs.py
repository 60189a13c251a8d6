"""What a teacher says, kept on disk: found by what it was given, and computed where nobody has asked it yet."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..cache import TeacherCache
from ..losses.functional import count_spans, mean_over_spans
from ..models.outputs import HiddenStates
from ..models.task import TASKS, without_adapters
from ..models.vocabulary_head import can_run_alone, head_alone, head_logits, head_state
from .loaded_teacher import LoadedTeacher
from .placement import all_moved, moved
from .reading_keys import reading_keys

LOGITS, HEAD_INPUTS = "logits", "head_inputs"
TEACHER, HEAD = "teacher.json", "head.safetensors"
EXACT = "float32"


@dataclass(frozen=True)
class Asked:
    """What is wanted of a teacher for a batch.

    Attributes:
        inputs: What it reads.
        tokens: Where its logits are wanted, bool [batch, length]; None in sequence tasks.
        spans: The span of each token, -1 for none, where means of hidden states are wanted; [batch, length].
    """

    inputs: Mapping[str, Tensor]
    tokens: Tensor | None
    spans: Tensor | None = None

    @property
    def real(self) -> Tensor:
        """Which tokens are no padding; bool [batch, length]."""
        mask = self.inputs.get("attention_mask")
        return torch.ones_like(self.inputs["input_ids"], dtype=torch.bool) if mask is None else mask.bool()

    def on(self, device: torch.device) -> "Asked":
        """Bring it to a device."""
        tokens, spans = (None if each is None else moved(each, device) for each in (self.tokens, self.spans))
        return Asked(all_moved(self.inputs, device), tokens, spans)


@dataclass(frozen=True)
class Keeping:
    """How outputs are kept.

    Attributes:
        folder: That of the whole cache, for all teachers.
        dtype: `float16` or `float32`, of hidden states; a logit takes little room and is kept in float32.
        layers: The hidden states that are compared, 0 for the embeddings, negative from the end.
    """

    folder: str | os.PathLike[str]
    dtype: str
    layers: Sequence[int] = ()

    def dtype_of(self, kind: str) -> str:
        """Return what a kind of output is kept in."""
        return EXACT if kind == LOGITS else self.dtype

    def open(self, name: str, identity: Mapping[str, Any], precision: torch.dtype | None) -> TeacherCache:
        """Open the folder of one teacher.

        Args:
            name: What people call it.
            identity: What its outputs depend on, as `LoadedTeacher.identity`.
            precision: What it is run in by autocast.
        """
        ways = {"autocast": str(precision).removeprefix("torch."), "stored_as": self._stored_as(identity["task"])}
        return TeacherCache(self.folder, name, {**identity, **ways})

    def _stored_as(self, task: str) -> str:
        """Write the precisions of all kinds: of logits that were kept in 16 bits the name is another one."""
        if TASKS[task].over_vocabulary or self.dtype == EXACT:
            return self.dtype
        return f"{EXACT}, hidden states {self.dtype}" if self.layers else EXACT


class KeptOutputs:
    """The outputs of one teacher in a cache.

    Of a masked language model what its vocabulary head reads at the masked tokens is kept, and the head is run on it;
    of a tagger the logits of all tokens, of other classifiers those of the example. Where hidden states are compared,
    their means over spans are kept too. What is computed goes through the precision of the cache as what is read does,
    so that a first run and a later one see the same numbers.

    Args:
        teacher: The teacher.
        keeping: How its outputs are kept.
        cache: Its folder.
        precision: Makes the context in which the teacher, or its head, is run.

    Raises:
        ValueError: The vocabulary head of the teacher cannot be run by itself.
    """

    def __init__(
        self,
        teacher: LoadedTeacher,
        keeping: Keeping,
        cache: TeacherCache,
        precision: Callable[[torch.device], AbstractContextManager[Any]],
    ) -> None:
        self.teacher, self.layers, self.cache = teacher, keeping.layers, cache
        self.over_vocabulary = teacher.task.over_vocabulary
        self._precision = precision
        self._head: nn.Module | None = None

        if not teacher.asleep:
            self._keep_teacher()
        widths = self._widths()
        self.stores = {kind: cache.store(kind, width, keeping.dtype_of(kind)) for kind, width in widths.items()}

    def _keep_teacher(self) -> None:
        """Keep what later runs need to know of the teacher without loading it."""
        if self.over_vocabulary and not can_run_alone(self.teacher.model):
            raise ValueError(_no_head(self.teacher))

        if manifest_of(self.cache, self.over_vocabulary) is None:
            if self.over_vocabulary:
                state = {name: weight.contiguous() for name, weight in head_state(self.teacher.model).items()}
                self.cache.save_file(HEAD, lambda part: save_file(state, part))
            text = json.dumps(self.teacher.manifest)
            self.cache.save_file(TEACHER, lambda part: part.write_text(text, encoding="utf-8"))

    def __call__(self, asked: Asked) -> tuple[Tensor, dict[int, Tensor] | None]:
        """Answer from the cache, after computing what is missing there.

        Returns:
            Logits as `TeacherEnsemble.forward` gives them, in the teacher's own order of labels; and for each layer
            the means over spans [batch, spans, hidden], or None where no spans are given.
        """
        self._expect_visible(asked)
        keys = self._keys(asked)
        places = {kind: store.find(keys) for kind, store in self.stores.items()}
        if any((each < 0).any() for each in places.values()):
            self._compute(asked, keys)
            places = {kind: store.find(keys) for kind, store in self.stores.items()}

        read = {kind: self.stores[kind].read(places[kind]) for kind in places}
        logits = self._logits(asked, *read[self._kind])
        return logits, None if asked.spans is None else self._means(asked.spans, read)

    @property
    def head_bytes(self) -> int:
        """How large the vocabulary head is that is kept beside the outputs; 0 where none is."""
        head = self.cache.file(HEAD) if self.over_vocabulary else None
        return 0 if head is None else head.stat().st_size

    def flush(self) -> None:
        """Write what is in memory only."""
        for store in self.stores.values():
            store.flush()

    def refresh(self) -> None:
        """Take up what other processes have written."""
        for store in self.stores.values():
            store.refresh()

    def _expect_visible(self, asked: Asked) -> None:
        """Refuse rows that are padding to the teacher: an answer is found by the tokens that are none."""
        if asked.tokens is not None and bool((asked.tokens & ~asked.real).any()):
            raise ValueError(
                f"teacher_cache finds an answer of teacher '{self.teacher.name}' by the tokens that its "
                "attention_mask shows, but a token that it hides has a label. Label it -100, or leave teacher_cache "
                "out."
            )

    # ---- What is kept ----

    @property
    def _kind(self) -> str:
        return HEAD_INPUTS if self.over_vocabulary else LOGITS

    def _states_of(self, layer: int) -> str:
        return f"states/{layer % (self.teacher.config.num_hidden_layers + 1)}"

    def _widths(self) -> dict[str, int]:
        config = self.teacher.config
        width = int((config.hidden_size if self.over_vocabulary else config.num_labels) or 0)
        return {self._kind: width} | {self._states_of(layer): config.hidden_size for layer in self.layers}

    def _keys(self, asked: Asked) -> np.ndarray:
        taken = self.teacher.row_forward.limits.inputs
        inputs = {name: value for name, value in asked.inputs.items() if name in taken | {"attention_mask"}}

        marks = {"asked": asked.tokens} if self.over_vocabulary and asked.tokens is not None else {}
        return reading_keys(inputs, marks | ({} if asked.spans is None else {"spans": asked.spans}))

    # ---- Computed ----

    @torch.no_grad()
    def _compute(self, asked: Asked, keys: np.ndarray) -> None:
        """Run the teacher on a whole batch, and keep what it says."""
        asked = asked.on(self.teacher.device)
        with self.teacher.at_work(), self._precision(self.teacher.device):
            said, states = self._run(asked)

        counts = self._rows_kept(asked).sum(dim=1) if self.teacher.task.token_level else torch.ones(len(keys))
        self._add(self._kind, keys, said, counts)
        if asked.spans is not None and states is not None:
            self._add_means(asked.spans, states, keys)

    def _run(self, asked: Asked) -> tuple[Tensor, HiddenStates | None]:
        """Return what is kept of all rows, [rows, width], and the hidden states."""
        teacher, wanted = self.teacher, asked.spans is not None
        forward, model = teacher.row_forward, teacher.model.eval()
        kept = self._rows_kept(asked)
        if self.over_vocabulary:
            return forward.head_inputs(model, asked.inputs, kept, output_hidden_states=wanted)

        tokens = kept if teacher.task.token_level else None
        _, logits, states = forward(model, asked.inputs, tokens, output_hidden_states=wanted)
        return logits.reshape(-1, logits.shape[-1]), states

    def _rows_kept(self, asked: Asked) -> Tensor:
        return asked.tokens if self.over_vocabulary and asked.tokens is not None else asked.real

    def _add_means(self, spans: Tensor, states: HiddenStates, keys: np.ndarray) -> None:
        most = count_spans(spans, spans)
        counts = spans.amax(dim=1) + 1
        there = torch.arange(most, device=spans.device) < counts[:, None]

        for layer in self.layers:
            means, _ = mean_over_spans(states[layer], spans, most)
            self._add(self._states_of(layer), keys, means[there], counts)

    def _add(self, kind: str, keys: np.ndarray, rows: Tensor, counts: Tensor) -> None:
        values = rows.float().cpu().numpy()
        ends = counts.long().cumsum(0).cpu().numpy()
        self.stores[kind].add(keys, np.split(values, ends[:-1]))

    # ---- Read ----

    def _logits(self, asked: Asked, values: np.ndarray, counts: np.ndarray) -> Tensor:
        """Return the logits of the rows that are asked for."""
        rows = values[np.arange(values.shape[1]) < counts[:, None]]
        if self.over_vocabulary:
            return self._of_head(_on(self.teacher.device, rows))

        if asked.tokens is not None:
            rows = rows[asked.tokens[asked.real].cpu().numpy()]
        return _on(self.teacher.placement.answers_on, rows)

    @torch.no_grad()
    def _of_head(self, states: Tensor) -> Tensor:
        with self._vocabulary_head() as head, self._precision(self.teacher.device):
            weight = next(weight for weight in head.parameters() if not weight.is_meta)
            return self.teacher.answers(head_logits(head, states.to(weight.dtype)))

    def _vocabulary_head(self) -> AbstractContextManager[nn.Module]:
        """Return what the head can be run in: the model, or a shell where that is not loaded or is somewhere else."""
        teacher = self.teacher
        elsewhere = teacher.placement.in_turn and teacher.source is not None  # bringing all of it takes long
        if not teacher.asleep and not elsewhere:
            self._head = None
            return teacher.at_work()

        if self._head is None:
            inner = without_adapters(self.teacher.model)
            device = self.teacher.device  # of several ranks it has a number, which safetensors has for GPUs alone
            state = load_file(cast(Path, self.cache.file(HEAD)), "cpu" if device.type == "cpu" else str(device))
            self._head = head_alone(type(inner), inner.config, state)
        return nullcontext(self._head)

    def _means(self, spans: Tensor, read: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[int, Tensor]:
        device = self.teacher.placement.answers_on
        return {layer: _on(device, read[self._states_of(layer)][0]) for layer in self.layers}


def manifest_of(cache: TeacherCache, over_vocabulary: bool) -> dict[str, str | None] | None:
    """Return the manifest of a teacher that need not be loaded; None where not all is there that stands for it.

    Args:
        cache: Its folder.
        over_vocabulary: Whether its vocabulary head is a part of that.
    """
    path = cache.file(TEACHER)
    if path is None or (over_vocabulary and cache.file(HEAD) is None):
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def _on(device: torch.device, values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).to(device, non_blocking=True).float()


def _no_head(teacher: LoadedTeacher) -> str:
    return (
        f"teacher_cache keeps what a teacher's vocabulary head reads, but that of teacher '{teacher.name}' "
        f"({type(teacher.model).__name__}) cannot be run by itself. Leave teacher_cache out, or this teacher."
    )
