"""Epoch's notable models (CC BY 4.0): training compute, as estimated in the file of the day."""

from decimal import Decimal, InvalidOperation

from helpers.sources import formats
from helpers.sources.feeds import Pulled, Stopped

COLUMNS = ("Model", "Organization", "Publication date", "Training compute (FLOP)", "Confidence", "Model accessibility")
NAMES = ("model", "organization", "published", "training_compute_flop", "confidence", "accessibility")
KNOWN = (
    "Domain", "Task", "Parameters", "Link", "Reference", "Authors", "Abstract", "Citations", "Notability criteria",
    "Notability criteria notes", "Parameters notes", "Training compute notes", "Training compute estimation method",
    "Training dataset", "Training dataset notes", "Training dataset size (total)", "Training dataset size (datapoints)",
    "Training dataset size (gradients)", "Dataset size notes", "Epochs", "Batch size", "Batch size notes",
    "Training time (hours)", "Training time notes", "Training hardware", "Hardware quantity", "Hardware maker",
    "Hardware utilization", "Hardware utilization (MFU)", "Hardware utilization (HFU)", "Training chip-hours",
    "Training power draw (W)", "Training compute cost (2023 USD)", "Training compute cost (cloud)",
    "Training compute cost (upfront)", "Compute cost notes", "Compute sponsor categorization", "Numerical format",
    "Base model", "Finetune compute (FLOP)", "Finetune compute notes", "Approach", "Frontier model", "Foundation model",
    "Organization categorization", "Organization categorization (from Organization)", "Country (of organization)",
    "Country (from Organization)", "Open model weights?", "Training code accessibility", "Inference code accessibility",
    "Dataset accessibility", "Accessibility notes", "Hugging Face developer id", "Possibly over 1e23 FLOP",
    "Training compute lower bound", "Training compute upper bound", "Utilization notes", "Archived links",
    "Created By", "Last modified", "Exclude", "Post-training compute (FLOP)", "Post-training compute notes",
)  # fmt: skip
FIRST = "2018-01-01"


def pull(ask, held, today):
    """Read the models since 2018 whose training compute is estimated into training_compute."""
    name = "notable_ai_models.csv"
    rows = formats.table(name, ask("models"))
    formats.expect(name, rows.columns, COLUMNS, KNOWN)
    rows = rows[list(COLUMNS)].set_axis(NAMES, axis="columns")
    rows = rows[(rows.training_compute_flop != "") & (rows.published >= FIRST)].drop_duplicates("model")
    flop = [_whole(name, value) for value in rows.training_compute_flop]
    return [Pulled("training_compute", rows.assign(training_compute_flop=flop, known_on=today))]


def _whole(place, text):
    """Write 1.2e24 in full, without the rounding of a floating point number."""
    try:
        return f"{Decimal(text):f}".partition(".")[0]
    except InvalidOperation:
        raise Stopped(f"{place}: {text!r} is not a number") from None
