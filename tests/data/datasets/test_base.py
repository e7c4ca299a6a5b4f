import pytest

from data.datasets import Listing, SourceVideo, collect_notes


def video(path):
    return SourceVideo(f"d/{path}", path, 0, "d", "real", "", ())


@pytest.mark.parametrize(
    ("there", "counted", "note"),
    [
        ([], ["a", "b"], "2 of 2 listed files are not there; they are counted as listed"),
        (["a"], ["a"], "1 of 2 listed files are not there and not counted"),
        (["a", "b"], ["a", "b"], None),
    ],
)
def test_a_partial_download_counts_what_is_there(there, counted, note, tmp_path):
    for name in there:
        (tmp_path / name).touch()
    listing = Listing(tuple(video(str(tmp_path / name)) for name in "ab"), ("known",))
    present = listing.present()
    assert [entry.path for entry in present.videos] == [str(tmp_path / name) for name in counted]
    assert present.notes == (("known", note) if note else ("known",))


def test_what_is_behind_a_url_is_not_asked_for():
    listing = Listing((video("gs://nowhere/a.mp4"),))
    assert listing.present() is listing


def test_notes_are_collected_once_each():
    assert collect_notes([Listing((), ("a", "b")), Listing((), ("b", "c"))]) == ("a", "b", "c")
