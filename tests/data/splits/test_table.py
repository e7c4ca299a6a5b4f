import io

from rich.console import Console

from data.datasets import Listing, Refusal
from data.ledger import Status
from data.splits.assignment import assign
from data.splits.report import audit
from data.splits.table import print_audit
from tests.data.source_videos import video


def print_to_text(*videos, notes=()):
    console = Console(file=io.StringIO(), width=120)
    print_audit(audit([Listing(videos, notes)], assign(videos)), console)
    return console.file.getvalue()


def cells(text, row):
    """The cells of the first table row that starts with these."""
    for line in text.splitlines():
        texts = [cell.strip() for cell in line.strip("│┃").split("│")]
        if texts[: len(row)] == list(row):
            return texts[len(row) :]
    raise AssertionError(f"no row {row} in\n{text}")


def test_print_audit():
    text = print_to_text(
        video("demo/a", "a", split="train", identities=("ann",)),
        video("demo/b", "b", split="test", identities=("ann",)),
        video("demo/c_b", "b", fake=True, original="demo/c"),
        video(
            "demo/x[1].mp4",
            fake=True,
            refused=Refusal(Status.REFUSED_INPUT, "in no official list: x"),
        ),
        notes=("The actors [of c] are not published.",),
    )
    assert cells(text, ["demo", "train"]) == ["1", "1", "0", "1", "1 (1)", ""]
    assert cells(text, ["", "eval"]) == ["0", "", "", "", "", ""]
    assert cells(text, ["", "test"]) == ["2", "1", "1", "1", "1 (1)", "1 of 1"]
    assert cells(text, ["", "none"]) == ["1", "0", "1", "", "", ""]
    assert cells(text, ["demo", "refused_input"]) == ["1", "in no official list", "x[1].mp4"]
    assert text.splitlines()[-8:] == [
        "People in more than one split",
        "  - demo: 1 in train and test (ann)",
        "  - demo: unknown for 1 of 3 videos, whose people have no name",
        "What the datasets do not tell",
        "  - The actors [of c] are not published.",
        "What the pipeline would stop for",
        "  - split train holds only real videos: demo/a",
        "  - split eval is empty",
    ]


def test_what_there_is_nothing_to_say_of_is_left_out():
    text = print_to_text(
        *(
            video(f"{split} {fake}", split, split=split, fake=fake, identities=(split,))
            for split in ("train", "eval", "test")
            for fake in (False, True)
        )
    )
    assert "Dropped" not in text
    assert text.splitlines()[-2:] == [
        "People in more than one split",
        "  - demo: none of those who are named",
    ]


def test_what_a_dataset_does_not_tell_is_unknown():
    text = print_to_text(video("demo/fake", fake=True, split="test"))
    assert cells(text, ["", "test"]) == ["1", "0", "1", "1", "unknown", "unknown"]
    assert text.splitlines()[-6:-4] == [
        "People in more than one split",
        "  - demo: unknown for 1 of 1 videos, whose people have no name",
    ]
