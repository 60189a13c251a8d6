"""One file per contender, each with `train(workload, clock)`; they train the same student on the same batches."""

CONTENDERS = ("ours", "ours-cached", "subclass", "textbrewer", "torchdistill", "bare", "floor", "student-alone")
FROM_THE_PACKAGE_INDEX = ("textbrewer", "torchdistill")


class NotAvailable(Exception):
    """A contender cannot run here; the message says why."""
