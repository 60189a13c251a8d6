"""The page of the Space: try the metric on a few rows."""

from pathlib import Path

from hf_multiteacher.metrics.widget import launch

if __name__ == "__main__":
    launch(Path(__file__).with_name("loyalty.py"))
