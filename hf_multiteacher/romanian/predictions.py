"""Predictions in the layouts of the distributions, so that their own scorers can be run."""

from .conllu import write_conllu
from .datasets.ronec import write_ronec

__all__ = ["write_conllu", "write_ronec"]
