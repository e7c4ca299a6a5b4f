"""The extraction that a run trains on."""

import pathlib
from collections.abc import Collection

from data.extraction import output_layout
from data.utils.errors import UsageError


def read_dataset(
    examples: pathlib.Path, *, reals_suffice: Collection[str] = ()
) -> output_layout.Description:
    """Reads the description of an extraction and checks that both classes are in every split.

    Args:
        examples: the extraction's output folder.
        reals_suffice: splits that need no fakes.

    Raises:
        UsageError: it holds no finished extraction, or a split lacks a class.
    """
    dataset = output_layout.read_description(str(examples))
    if dataset is None:
        raise UsageError(
            f"{examples}: holds no {output_layout.DESCRIPTION_FILE}, which a finished "
            "`unmask extract` writes; `examples` names its output folder"
        )
    for split, counts in dataset.splits.items():
        fakes, reals = counts["fakes"], counts["videos"] - counts["fakes"]
        if not reals or (not fakes and split not in reals_suffice):
            raise UsageError(
                f"{examples}: split {split} holds {reals} real and {fakes} fake videos, and every "
                "split needs both: see its ledger.csv for what was left out and why; only where "
                "all models have `fakes: self_blended`, train needs none"
            )
    return dataset
