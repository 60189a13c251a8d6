"""DataCollatorForDistillation: padding, labels, counterparts, and the same words masked in every encoding."""

import copy
import logging
import pickle
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers
from torch.utils.data import DataLoader

from helpers.counting import instructions_of
from hf_multiteacher.collation import draws
from hf_multiteacher.collation.data_collator import DataCollatorForDistillation
from hf_multiteacher.collation.unknown_words import BATCHES
from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer
from hf_multiteacher.tokenization.spans import visible_characters


@pytest.fixture(scope="module")
def multi_tokenizer(cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer):
    return MultiTokenizer(
        cased_tokenizer, [uncased_tokenizer, byte_level_tokenizer, cased_tokenizer, unigram_tokenizer]
    )


@pytest.fixture(scope="module")
def examples(multi_tokenizer, sentences):
    return as_features(multi_tokenizer.encode({"s": sentences}, text="s"))


@pytest.fixture
def collator(multi_tokenizer):
    return DataCollatorForDistillation(multi_tokenizer, mlm=True)


def as_features(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def encodings_of(multi_tokenizer):
    return {"": multi_tokenizer.student_tokenizer} | {f"teacher_{j}_": t for j, t in multi_tokenizer.distinct.items()}


def by_example(batches, collator):
    """What was drawn, per example: the unmasked tokens tell which example it is."""
    student = collator.multi_tokenizer.student_tokenizer
    result = {}
    for batch in batches:
        gold = torch.where(batch["labels"] == -100, batch["input_ids"], batch["labels"])
        for row, ids in enumerate(gold.tolist()):
            key = tuple(index for index in ids if index != student.pad_token_id)
            result[key] = {
                f"{prefix}{name}": batch[f"{prefix}{name}"][row][batch[f"{prefix}attention_mask"][row] == 1].tolist()
                for prefix in encodings_of(collator.multi_tokenizer)
                for name in ["input_ids"] + ([] if prefix else ["labels"])
            }
    return result


def hidden_characters(multi_tokenizer, batch, row, text, max_length):
    """The visible characters that are masked; they must be masked in each encoding and shown in none."""
    visible = set(np.flatnonzero(visible_characters(text)).tolist())
    hidden, shown = [], []
    for prefix, tokenizer in encodings_of(multi_tokenizer).items():
        encoding = tokenizer(text, return_offsets_mapping=True, truncation=True, max_length=max_length)
        hidden.append(set())
        shown.append(set())
        for old, (start, end), new in zip(
            encoding["input_ids"], encoding["offset_mapping"], batch[f"{prefix}input_ids"][row].tolist(), strict=False
        ):
            if old not in tokenizer.all_special_ids or old == tokenizer.unk_token_id:
                (hidden if new == tokenizer.mask_token_id else shown)[-1].update(range(start, end))
    for one in hidden:
        assert one & visible == hidden[0] & visible
        assert not any(one & other & visible for other in shown)
    return hidden[0] & visible


class TestPadding:
    def test_every_encoding_is_padded_with_its_own_tokenizer(self, multi_tokenizer, examples):
        batch = DataCollatorForDistillation(multi_tokenizer)(examples[:9])
        for prefix, tokenizer in encodings_of(multi_tokenizer).items():
            names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if prefix + name in batch]
            rows = [{name: example[prefix + name] for name in names} for example in examples[:9]]
            for name, expected in tokenizer.pad(rows, return_tensors="pt").items():
                assert torch.equal(batch[prefix + name], expected)
        assert batch["teacher_1_spans"].shape == batch["teacher_1_input_ids"].shape
        assert batch["teacher_1_student_spans"].shape == batch["input_ids"].shape
        assert (batch["teacher_1_spans"][batch["teacher_1_attention_mask"] == 0] == -1).all()

    def test_rows_become_a_multiple_long_and_are_padded_on_the_tokenizers_side(
        self, cased_tokenizer, byte_level_tokenizer, sentences
    ):
        left = copy.deepcopy(cased_tokenizer)
        left.padding_side = "left"
        multi = MultiTokenizer(left, [byte_level_tokenizer])
        features = as_features(multi.encode({"s": sentences[:7]}, text="s"))
        batch = DataCollatorForDistillation(multi, pad_to_multiple_of=16)(features)
        expected = left.pad([{"input_ids": f["input_ids"]} for f in features], pad_to_multiple_of=16)["input_ids"]
        assert batch["input_ids"].tolist() == expected
        assert batch["teacher_0_input_ids"].shape[1] % 16 == 0

    def test_columns_of_numbers_are_stacked(self, multi_tokenizer, examples):
        features = [{**example, "index": row, "weight": row / 2} for row, example in enumerate(examples[:3])]
        batch = DataCollatorForDistillation(multi_tokenizer)(features)
        assert batch["index"].dtype == torch.int64 and batch["weight"].dtype == torch.float32
        assert batch["weight"].tolist() == [0, 0.5, 1]

    def test_tensors_and_arrays_do_as_well_as_lists(self, multi_tokenizer, examples):
        collator = DataCollatorForDistillation(multi_tokenizer)
        lists = [{**example, "labels": 1} for example in examples[:5]]
        for convert in (torch.tensor, np.array):
            converted = [{name: convert(value) for name, value in example.items()} for example in lists]
            for name, expected in collator(lists).items():
                assert torch.equal(collator(converted)[name], expected)

    @pytest.mark.parametrize("mlm", [False, True])
    @pytest.mark.parametrize("others", [0, 1])
    def test_an_empty_example_is_a_row_of_padding_wherever_it_stands(self, mlm, others, multi_tokenizer, examples):
        empty = {name: [] for name in [*examples[0], "labels"]}
        full = examples[0] | {"labels": [1] * len(examples[0]["input_ids"])}
        batch = DataCollatorForDistillation(multi_tokenizer, mlm=mlm)([empty] * 2 + [full] * others)
        width = len(full["input_ids"]) if others else 1
        assert batch["input_ids"].shape == batch["labels"].shape == (2 + others, width)
        assert not batch["attention_mask"][:2].any()
        assert (batch["labels"][:2] == -100).all()
        assert (batch["teacher_0_positions"][:2] == -1).all()

    def test_an_attention_mask_is_made_where_there_is_none(self, multi_tokenizer, examples):
        features = [{k: v for k, v in f.items() if k != "attention_mask"} for f in examples[:4]]
        collator = DataCollatorForDistillation(multi_tokenizer)
        assert torch.equal(collator(features)["attention_mask"], collator(examples[:4])["attention_mask"])


class TestLabels:
    @pytest.mark.parametrize("name", ["labels", "label", "label_ids"])
    @pytest.mark.parametrize(
        ("values", "dtype", "shape"),
        [
            ([1, 0, 2], torch.int64, (3,)),
            ([0.5, 1, 2.0], torch.float32, (3,)),
            ([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], torch.float32, (3, 2)),
        ],
    )
    def test_labels_of_sequence_tasks_become_tensors(self, multi_tokenizer, examples, name, values, dtype, shape):
        features = [{**example, name: value} for example, value in zip(examples[:3], values, strict=True)]
        batch = DataCollatorForDistillation(multi_tokenizer)(features)
        assert batch["labels"].dtype == dtype and batch["labels"].shape == shape
        assert torch.equal(batch["labels"], torch.tensor(values, dtype=dtype))
        assert not any("positions" in key for key in batch)

    def test_labels_of_tagging_stand_on_the_first_token_of_each_word_in_every_encoding(
        self, multi_tokenizer, sentences
    ):
        words = [sentence.split() for sentence in sentences[:30]]
        labels = [[row * 100 + word for word in range(len(words[row]))] for row in range(30)]
        features = as_features(multi_tokenizer.encode({"w": words, "y": labels}, words="w", labels="y"))
        batch = DataCollatorForDistillation(multi_tokenizer)(features)
        assert batch["labels"][batch["attention_mask"] == 0].unique().tolist() == [-100]
        for j, tokenizer in multi_tokenizer.distinct.items():
            encoding = tokenizer(words, is_split_into_words=True)
            positions = batch[f"teacher_{j}_positions"]
            assert torch.equal(positions >= 0, batch["labels"] != -100)
            for row, column in torch.nonzero(positions >= 0).tolist():
                word = int(batch["labels"][row, column]) - 100 * row
                assert positions[row, column] == encoding.word_ids(row).index(word)

    def test_the_right_place_is_found_under_padding_on_the_left(self, cased_tokenizer, byte_level_tokenizer):
        left = copy.deepcopy(byte_level_tokenizer)
        left.padding_side = "left"
        multi = MultiTokenizer(cased_tokenizer, [left])
        data = {"w": [["Fata", "citește", "o", "carte"], ["Fata"]], "y": [[0, 1, 2, 3], [4]]}
        features = as_features(multi.encode(data, words="w", labels="y"))
        batch = DataCollatorForDistillation(multi)(features)
        position = int(batch["teacher_0_positions"][1, 1])
        assert position == batch["teacher_0_input_ids"].shape[1] - len(features[1]["teacher_0_input_ids"]) + 1


class TestCounterparts:
    def test_a_counterpart_is_the_one_token_of_the_same_text(self, multi_tokenizer, collator, examples):
        batch = collator(examples)
        gold = torch.where(batch["labels"] == -100, batch["input_ids"], batch["labels"])
        found = 0
        for j in multi_tokenizer.distinct:
            shared = multi_tokenizer.shared_vocabulary(j)
            original = DataCollatorForDistillation(multi_tokenizer)(examples)[f"teacher_{j}_input_ids"]
            positions = batch[f"teacher_{j}_positions"]
            for row, column in torch.nonzero(positions >= 0).tolist():
                ours = shared.student_outcomes[gold[row, column]]
                assert ours == shared.teacher_outcomes[original[row, positions[row, column]]] and ours > 0
                span = batch[f"teacher_{j}_student_spans"][row, column]
                assert (batch[f"teacher_{j}_student_spans"][row] == span).sum() == 1
                assert torch.nonzero(batch[f"teacher_{j}_spans"][row] == span).tolist() == [[positions[row, column]]]
                found += 1
        assert found > 500

    def test_unknown_and_different_outcomes_have_no_counterpart(self, cased_tokenizer, uncased_tokenizer):
        multi = MultiTokenizer(cased_tokenizer, [uncased_tokenizer])
        collator = DataCollatorForDistillation(multi, mlm=True)
        features = as_features(multi.encode({"s": ["a 漢 o"]}, text="s"))
        assert features[0]["input_ids"].count(cased_tokenizer.unk_token_id) == 1
        assert collator(features)["teacher_0_positions"].tolist() == [[-1, 1, -1, 3, -1]]
        features[0]["teacher_0_input_ids"][1:4] = features[0]["teacher_0_input_ids"][3:0:-1]
        assert collator(features)["teacher_0_positions"].tolist() == [[-1, -1, -1, -1, -1]]


class TestMasking:
    @pytest.mark.parametrize("max_length", [None, 17])
    def test_a_word_drawn_as_mask_shows_no_piece_of_itself_in_any_encoding(
        self, multi_tokenizer, collator, sentences, max_length
    ):
        texts = [*sentences[::9], "Țurcanu x👍🏽y după-amiază qwzk 漢字 n\u0323\u0306 1998\u00advândut ﬁn"]
        texts = [unicodedata.normalize("NFC", text) for text in texts]
        features = as_features(multi_tokenizer.encode({"s": texts}, text="s", max_length=max_length))
        hidden = 0
        for mask_round in range(40):
            collator.set_round(mask_round)
            batch = collator(features)
            for row, text in enumerate(texts):
                hidden += len(hidden_characters(multi_tokenizer, batch, row, text, max_length))
        assert hidden > 500

    @settings(max_examples=80, deadline=None)
    @given(text=st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("aăâ țș\u0306👍🏽")), max_size=60))
    def test_no_piece_of_a_masked_word_is_left_in_any_text(self, multi_tokenizer, text):
        collator = DataCollatorForDistillation(multi_tokenizer, mlm=True, mlm_probability=0.5)
        batch = collator(as_features(multi_tokenizer.encode({"s": [text]}, text="s", max_length=24)))
        hidden_characters(multi_tokenizer, batch, 0, unicodedata.normalize("NFC", text), 24)

    def test_decoding_shows_no_trace_of_a_masked_word(self, multi_tokenizer, monkeypatch):
        # Only masks: a random replacement can spell the word by chance.
        monkeypatch.setattr(draws, "MASK_SHARE", 1.0)
        words = ["Băieții", "înțeleg", "Ștefan", "Țurcanu", "spitalul", "vândut", "bucătărie", "ploioasă"]
        orders = [words[i:] + words[:i] for i in range(len(words))]
        features = as_features(multi_tokenizer.encode({"s": [" ".join(order) for order in orders]}, text="s"))
        batch = DataCollatorForDistillation(multi_tokenizer, mlm=True, mlm_probability=0.5, seed=4)(features)
        whole = 0
        for row, order in enumerate(orders):
            shown = [
                "".join(tokenizer.decode(batch[f"{prefix}input_ids"][row]).lower().split())
                for prefix, tokenizer in encodings_of(multi_tokenizer).items()
            ]
            for word in order:
                seen = [word.lower() in text for text in shown]
                assert all(seen) or not any(seen), (word, shown)
                whole += not any(seen)
        assert whole > 20

    def test_one_decision_per_span_holds_in_every_encoding(self, multi_tokenizer, collator, examples):
        plain = DataCollatorForDistillation(multi_tokenizer)(examples)
        batch = collator(examples)
        kept, equal = 0, 0
        for j, tokenizer in multi_tokenizer.distinct.items():
            for row in range(len(examples)):
                for column in torch.nonzero(batch["labels"][row] != -100).flatten().tolist():
                    span = batch[f"teacher_{j}_student_spans"][row, column]
                    there = batch[f"teacher_{j}_spans"][row] == span
                    now = batch[f"teacher_{j}_input_ids"][row][there]
                    before = plain[f"teacher_{j}_input_ids"][row][there]
                    if batch["input_ids"][row, column] == multi_tokenizer.student_tokenizer.mask_token_id:
                        assert (now == tokenizer.mask_token_id).all()
                    else:
                        assert (now != tokenizer.mask_token_id).all()
                    if batch["input_ids"][row, column] == batch["labels"][row, column]:
                        kept += 1
                        equal += torch.equal(now, before)
        assert kept > 50
        assert equal > 0.95 * kept  # a replacement may be the same token by chance

    def test_nothing_changes_outside_the_drawn_spans(self, multi_tokenizer, collator, examples):
        plain, batch = DataCollatorForDistillation(multi_tokenizer)(examples), collator(examples)
        assert torch.equal(batch["input_ids"][batch["labels"] == -100], plain["input_ids"][batch["labels"] == -100])
        drawn = batch["labels"] != -100
        assert torch.equal(batch["labels"][drawn], plain["input_ids"][drawn])
        for j in multi_tokenizer.distinct:
            changed = batch[f"teacher_{j}_input_ids"] != plain[f"teacher_{j}_input_ids"]
            spans = torch.where(drawn, batch[f"teacher_{j}_student_spans"], -1)
            for row in range(len(examples)):
                allowed = set(spans[row].tolist()) - {-1}
                assert set(batch[f"teacher_{j}_spans"][row][changed[row]].tolist()) <= allowed

    def test_special_unknown_and_unmatched_tokens_are_never_drawn(self, cased_tokenizer, byte_level_tokenizer):
        multi = MultiTokenizer(cased_tokenizer, [byte_level_tokenizer])
        text = "Fata 漢字 citește [SEP] o carte lungă despre Marea Neagră"
        features = as_features(multi.encode({"s": [text]}, text="s", max_length=16))
        batch = DataCollatorForDistillation(multi, mlm=True, mlm_probability=1.0)(features)
        gold = torch.tensor(features[0]["input_ids"])
        special = torch.isin(gold, torch.tensor(cased_tokenizer.all_special_ids))
        unmatched = torch.tensor(features[0]["teacher_0_student_spans"]) == -1
        assert (unmatched & ~special).any()
        assert torch.equal(batch["labels"][0] != -100, ~special & ~unmatched)

    @pytest.mark.parametrize("teachers", [0, 1, 3])
    def test_shares_are_those_asked_for(self, cased_tokenizer, uncased_tokenizer, sentences, teachers):
        multi = MultiTokenizer(cased_tokenizer, [cased_tokenizer, uncased_tokenizer, cased_tokenizer][:teachers])
        collator = DataCollatorForDistillation(multi, mlm=True, mlm_probability=0.3)
        features = as_features(multi.encode({"s": sentences}, text="s"))
        counts = np.zeros(3)
        total = 0
        for mask_round in range(20):
            collator.set_round(mask_round)
            batch = collator(features)
            drawn = batch["labels"] != -100
            masked = batch["input_ids"] == cased_tokenizer.mask_token_id
            kept = drawn & (batch["input_ids"] == batch["labels"])
            counts += [int(masked.sum()), int((drawn & ~masked & ~kept).sum()), int(kept.sum())]
            total += int((batch["attention_mask"].sum(1) - 2).sum())
        assert counts.sum() / total == pytest.approx(0.3, abs=0.01)
        assert counts / counts.sum() == pytest.approx([0.8, 0.1, 0.1], abs=0.02)

    def test_replacements_are_ordinary_tokens_drawn_apart_for_each_encoding(self, multi_tokenizer, sentences):
        collator = DataCollatorForDistillation(multi_tokenizer, mlm=True, mlm_probability=1.0)
        features = as_features(multi_tokenizer.encode({"s": sentences}, text="s"))
        plain = DataCollatorForDistillation(multi_tokenizer)(features)
        batch = collator(features)
        for prefix, tokenizer in encodings_of(multi_tokenizer).items():
            changed = batch[f"{prefix}input_ids"] != plain[f"{prefix}input_ids"]
            replaced = batch[f"{prefix}input_ids"][changed & (batch[f"{prefix}input_ids"] != tokenizer.mask_token_id)]
            assert not torch.isin(replaced, torch.tensor(tokenizer.all_special_ids)).any()
            assert len(replaced.unique()) > len(replaced) / 10 > 10

    def test_labels_in_the_examples_make_way_for_the_masked_tokens(self, collator, examples):
        features = [{**example, "label": 1, "special_tokens_mask": [0]} for example in examples[:4]]
        batch = collator(features)
        assert torch.equal(batch["labels"], collator(examples[:4])["labels"])
        assert "special_tokens_mask" not in batch and "label" not in batch

    def test_a_student_alone_has_each_token_drawn_by_itself(self, cased_tokenizer, sentences):
        multi = MultiTokenizer(cased_tokenizer, [])
        features = as_features(multi.encode({"s": sentences}, text="s"))
        batch = DataCollatorForDistillation(multi, mlm=True)(features)
        assert set(batch) == {"input_ids", "attention_mask", "token_type_ids", "labels"}
        drawn = (batch["labels"] != -100).float()
        apart = (drawn[:, 1:] * drawn[:, :-1]).sum() / drawn.sum()
        assert 0.1 < float(apart) < 0.2


class TestDraws:
    def loader(self, collator, examples, **arguments):
        return DataLoader(examples, batch_size=8, collate_fn=collator, **arguments)

    def test_batches_order_workers_and_ranks_change_nothing(self, collator, examples):
        expected = by_example(self.loader(collator, examples), collator)
        assert len(expected) == len(examples)
        generator = torch.Generator().manual_seed(3)
        for loader in (
            self.loader(collator, examples, shuffle=True, generator=generator),
            self.loader(collator, examples, num_workers=2),
            DataLoader(examples, batch_size=13, collate_fn=collator),
        ):
            assert by_example(loader, collator) == expected
        ranks = [self.loader(collator, examples[rank::2]) for rank in range(2)]
        assert {**by_example(ranks[0], collator), **by_example(ranks[1], collator)} == expected

    def test_streaming_draws_as_a_stored_data_set_does(self, collator, multi_tokenizer, sentences, examples):
        from datasets import Dataset

        streamed = (
            Dataset.from_dict({"s": sentences}).to_iterable_dataset(num_shards=4).shuffle(seed=1, buffer_size=30)
        )
        streamed = streamed.map(multi_tokenizer.encode, batched=True, fn_kwargs={"text": "s"}, remove_columns="s")
        loader = DataLoader(streamed, batch_size=8, collate_fn=collator, num_workers=2)
        assert by_example(loader, collator) == by_example(self.loader(collator, examples), collator)

    @pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
    def test_workers_that_live_on_see_the_new_round(self, collator, examples, context):
        arguments = {"persistent_workers": True, "multiprocessing_context": context}
        loader = self.loader(collator, examples, num_workers=2, **arguments)
        rounds = []
        for mask_round in (0, 1, 0):
            collator.set_round(mask_round)
            rounds.append(by_example(loader, collator))
            assert rounds[-1] == by_example(self.loader(collator, examples), collator)
        assert rounds[0] == rounds[2] != rounds[1]

    def test_padding_changes_no_draw(self, multi_tokenizer, collator, examples):
        padded = DataCollatorForDistillation(multi_tokenizer, mlm=True, pad_to_multiple_of=64)
        expected = by_example([collator(examples)], collator)
        assert by_example([padded(examples)], collator) == expected
        left = copy.deepcopy(multi_tokenizer)
        for tokenizer in (left.student_tokenizer, *left.distinct.values()):
            tokenizer.padding_side = "left"
        assert by_example([DataCollatorForDistillation(left, mlm=True)(examples)], collator) == expected
        width = 64
        stored = [
            {
                **example,
                "input_ids": example["input_ids"] + [0] * (width - len(example["input_ids"])),
                "attention_mask": example["attention_mask"] + [0] * (width - len(example["input_ids"])),
                "token_type_ids": [0] * width,
                **{
                    f"teacher_{j}_student_spans": example[f"teacher_{j}_student_spans"]
                    + [-1] * (width - len(example["input_ids"]))
                    for j in multi_tokenizer.distinct
                },
            }
            for example in examples
        ]
        assert by_example([collator(stored)], collator) == expected

    def test_another_seed_or_round_draws_other_words(self, multi_tokenizer, collator, examples):
        first = collator(examples)["labels"]
        collator.set_round(1)
        second = collator(examples)["labels"]
        third = DataCollatorForDistillation(multi_tokenizer, mlm=True, seed=1)(examples)["labels"]
        for one, other in [(first, second), (first, third), (second, third)]:
            both = ((one != -100) & (other != -100)).sum() / (one != -100).sum()
            assert 0.05 < float(both) < 0.3

    def test_an_example_and_its_twin_are_masked_alike_and_others_are_not(self, collator, examples):
        labels = collator([examples[0], examples[1], examples[0]])["labels"]
        assert torch.equal(labels[0], labels[2])
        assert not torch.equal(labels[0] != -100, labels[1] != -100)

    def test_evaluation_masks_are_fixed(self, collator, examples):
        evaluation = collator.for_evaluation()
        expected = evaluation(examples)["labels"]
        for mask_round in range(3):
            collator.set_round(mask_round)
            assert torch.equal(evaluation(examples)["labels"], expected)
            assert not torch.equal(collator(examples)["labels"], expected)

    def test_a_pickled_collator_draws_the_same(self, collator, examples):
        collator.set_round(5)
        again = pickle.loads(pickle.dumps(collator))
        assert torch.equal(again(examples)["labels"], collator(examples)["labels"])

    def test_draws_do_not_touch_the_global_generators(self, collator, examples):
        before = torch.get_rng_state(), np.random.get_state()[1].tolist()
        collator(examples)
        assert torch.equal(torch.get_rng_state(), before[0]) and np.random.get_state()[1].tolist() == before[1]


class TestWithoutTexts:
    def test_teachers_inputs_are_rebuilt_with_one_warning(self, multi_tokenizer, collator, examples, caplog):
        students = [{name: f[name] for name in ("input_ids", "attention_mask", "token_type_ids")} for f in examples]
        with caplog.at_level(logging.WARNING):
            batch = collator(students[:8])
            collator(students[8:16])
            collator.for_evaluation()(students[:8])
            DataCollatorForDistillation(multi_tokenizer)(examples[:8])  # has its columns: nothing to warn about
        assert len(caplog.records) == 1
        message = caplog.records[0].getMessage()
        for j in multi_tokenizer.distinct:
            content = (batch["labels"] != -100) | ~torch.isin(
                batch["input_ids"], torch.tensor(multi_tokenizer.student_tokenizer.all_special_ids)
            )
            assert f"% for teacher {j}" in message
            assert batch[f"teacher_{j}_positions"].shape == content.shape
        assert set(batch) == set(collator(examples[:8]))
        assert torch.equal(batch["attention_mask"], collator(examples[:8])["attention_mask"])

    def test_the_coverage_in_the_warning_is_the_share_of_one_to_one_tokens(
        self, cased_tokenizer, uncased_tokenizer, caplog
    ):
        multi = MultiTokenizer(cased_tokenizer, [uncased_tokenizer])
        ids = cased_tokenizer(["a o e", "a"])["input_ids"]
        with caplog.at_level(logging.WARNING):
            DataCollatorForDistillation(multi)([{"input_ids": row} for row in ids])
        assert "100.0 % for teacher 0" in caplog.text

    @pytest.mark.parametrize("labelled", [True, False])
    def test_words_that_run_together_are_told_of_with_the_remedy(
        self, byte_level_tokenizer, cased_tokenizer, sentences, caplog, labelled
    ):
        student = copy.deepcopy(byte_level_tokenizer)
        student.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        encoding = student([sentence.split() for sentence in sentences[:4]], is_split_into_words=True)
        features = [{"input_ids": ids} for ids in encoding["input_ids"]]
        for row, feature in enumerate(features):
            words = encoding.word_ids(row)
            first = [word is not None and word != last for word, last in zip(words, [None, *words], strict=False)]
            feature |= {"labels": [1 if new else -100 for new in first]} if labelled else {}
        DataCollatorForDistillation(MultiTokenizer(student, [cased_tokenizer]))(features)
        assert ("one long word" in caplog.text) == ("load it with add_prefix_space=True" in caplog.text) != labelled

    def test_tagging_without_texts_has_counterparts_for_first_tokens(self, multi_tokenizer, sentences):
        words = [sentence.rstrip(".!").split() for sentence in sentences[:8]]
        encoded = multi_tokenizer.encode({"w": words, "y": [[1] * len(w) for w in words]}, words="w", labels="y")
        features = [{name: f[name] for name in ("input_ids", "labels")} for f in as_features(encoded)]
        batch = DataCollatorForDistillation(multi_tokenizer)(features)
        labelled = batch["labels"] != -100
        assert (batch["teacher_0_positions"][labelled] >= 0).float().mean() > 0.95


class TestBadInput:
    def test_columns_of_some_teachers_only_are_refused(self, multi_tokenizer, examples):
        features = [{k: v for k, v in f.items() if not k.startswith("teacher_1")} for f in examples[:2]]
        message = r"a column 'teacher_1_input_ids' because teacher 1 has its own tokenizer.*only \[.*MultiTokenizer"
        with pytest.raises(ValueError, match=message):
            DataCollatorForDistillation(multi_tokenizer)(features)

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ([{"note": "a text"}] * 2, "numbers in column 'note'.*'a text'.*remove_columns"),
            ([{"more": [1.0]}, {"more": [1.0, 2.0]}], "numbers in column 'more', as many in each"),
            (
                [{"labels": [1, 0, 1]}] * 2,
                r"one entry per token in column 'labels', but row 0 .* has 3 for \d+ tokens.*floats",
            ),
            ([{"labels": 1}, {"labels": None}], "expects 'labels' in every example of a batch, but row 1 has None"),
            ([{"labels": 1}, {}], r"expects 'labels' in every example of a batch, but row 1 has only \["),
            ([{"label": "good"}] * 2, "numbers in column 'label'.*'good'"),
        ],
    )
    def test_an_error_names_the_column_and_the_way_out(self, multi_tokenizer, examples, columns, message):
        features = [{**example, **column} for example, column in zip(examples[:2], columns, strict=True)]
        with pytest.raises(ValueError, match=message):
            DataCollatorForDistillation(multi_tokenizer)(features)

    @pytest.mark.parametrize("probability", [0, -0.1, 1.1])
    def test_a_probability_that_is_no_share_is_refused(self, multi_tokenizer, probability):
        with pytest.raises(ValueError, match="mlm_probability above 0 and at most 1, but got"):
            DataCollatorForDistillation(multi_tokenizer, mlm=True, mlm_probability=probability)

    def test_tokenizers_without_the_special_tokens_needed_are_refused(self, cased_tokenizer, uncased_tokenizer):
        teacher = copy.deepcopy(uncased_tokenizer)
        teacher.mask_token = None
        multi = MultiTokenizer(cased_tokenizer, [teacher])
        with pytest.raises(ValueError, match="a mask token in the tokenizer of teacher 0.*cannot be masked"):
            DataCollatorForDistillation(multi, mlm=True)
        DataCollatorForDistillation(multi)
        student = copy.deepcopy(cased_tokenizer)
        student.pad_token = None
        with pytest.raises(ValueError, match="a pad token in the tokenizer of the student.*cannot be padded"):
            DataCollatorForDistillation(MultiTokenizer(student, []))


def test_the_instructions_for_a_batch_grow_with_its_examples_and_not_with_their_length(multi_tokenizer, sentences):
    collator = DataCollatorForDistillation(multi_tokenizer, mlm=True)
    texts = [" ".join(sentences[i : i + 20]) for i in range(24)]
    instructions = {}
    for length in (16, 128):
        features = as_features(multi_tokenizer.encode({"s": texts}, text="s", max_length=length))
        for _ in range(BATCHES):  # in the first ones, unknown words are counted
            collator(features)
        for rows in (8, 16, 24):
            batch = collator(features[:rows])
            assert batch["input_ids"].shape == (rows, length)
            instructions[rows, length] = instructions_of(collator, features[:rows])

    assert instructions[16, 128] == instructions[16, 16]
    assert instructions[24, 128] - instructions[16, 128] == instructions[16, 128] - instructions[8, 128]


@pytest.mark.parametrize("column", ["input_ids", "teacher_0_input_ids"])
@pytest.mark.parametrize("wrong", [10_000, -1])
@pytest.mark.parametrize("mlm", [True, False])
def test_ids_of_another_tokenizer_are_refused_by_name(multi_tokenizer, examples, column, wrong, mlm):
    ids = examples[1][column]
    damaged = [examples[0], {**examples[1], column: [*ids[:-1], wrong]}]
    owner = "the student" if column == "input_ids" else "teacher 0"
    with pytest.raises(
        ValueError, match=f"the tokenizer of {owner}, in '{column}', but found {wrong}: .*processing_class"
    ):
        DataCollatorForDistillation(multi_tokenizer, mlm=mlm)(damaged)


def test_an_example_without_ids_is_refused_by_its_row(collator, examples):
    with pytest.raises(ValueError, match="expects 'input_ids' in every example of a batch, but row 1 has None"):
        collator([examples[0], examples[1] | {"input_ids": None}])


def test_ids_of_another_tokenizer_are_refused_before_a_text_is_rebuilt_from_them(collator):
    with pytest.raises(ValueError, match="in 'input_ids', but found 10000"):
        collator([{"input_ids": [2, 10_000, 3], "attention_mask": [1, 1, 1]}])
