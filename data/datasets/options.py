"""Options that mean something for some datasets only."""

from data.utils.errors import UsageError


def reject(
    dataset: str, because: str, *, splits: str | None = None, official: bool = False
) -> None:
    """Refuses options that a reader has no use for, instead of ignoring them.

    Args:
        dataset: its name.
        because: why it has no use for them, or what to do instead.
        splits: value of the option that names split lists.
        official: value of the option that takes official lists as they are.

    Raises:
        UsageError: one of them is given.
    """
    for name, is_given in (("--splits", splits is not None), ("--official", official)):
        if is_given:
            raise UsageError(f"{name} means nothing for {dataset}, {because}; leave it out")
