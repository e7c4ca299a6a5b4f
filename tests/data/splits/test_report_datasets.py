"""The audit of real datasets' lists, with figures counted here from the raw files."""

import collections
import json
import re

import pytest

from data import contract
from data.datasets import celeb_df, dfdc
from data.splits.assignment import assign
from data.splits.report import audit


def audit_listing(listing):
    assignments = assign(listing.videos)
    (report,) = audit([listing], assignments).datasets.values()
    return report, assignments


def test_audit_of_a_dfdc_part(shared_data):
    metadata = shared_data / "dfdc" / "train_part_3_metadata.json"
    rows = json.loads(metadata.read_text())
    listing = dfdc.read(str(metadata), splits=None, official=False)
    report, assignments = audit_listing(listing)

    assert len(rows) == len(listing.videos) == 1455
    assert sum(split.videos for split in report.splits.values()) == 1455
    assert sum(split.reals for split in report.splits.values()) == 219
    assert sum(split.fakes for split in report.splits.values()) == 1236
    assert report.out.videos == 0
    # Every real is some fakes' original, and fakes of an original are all that share anything.
    families = collections.defaultdict(set)
    for name, row in rows.items():
        families[row.get("original", name)].add(name)
    assert sum(split.groups for split in report.splits.values()) == len(families) == 219
    by_name = {video.video_id.rpartition("/")[2]: video.video_id for video in listing.videos}
    for family in families.values():
        assert len({assignments[by_name[name]] for name in family}) == 1
    # 219 draws of 0.7, 0.15 and 0.15; the margins are three standard deviations.
    groups = [report.splits[split].groups for split in contract.SPLITS]
    assert groups == pytest.approx([153, 33, 33], abs=20)
    for split in report.splits.values():
        assert split.without_original == 0
        assert split.with_known_original == split.fakes
        assert split.identities == split.identified == 0
    assert any("actors" in note for note in listing.notes)


def test_audit_of_the_celeb_df_list(shared_data):
    lines = (shared_data / "celebdf" / "List_of_testing_videos.txt").read_text().split("\n")
    rows = [line.split() for line in lines if line]
    reals = {name for real, name in rows if real == "1"}
    fakes = [name for real, name in rows if real == "0"]
    assert (len(rows), len(reals), len(fakes)) == (518, 178, 340)
    targets = [
        re.sub(r"Celeb-synthesis/(id\d+)_id\d+_(\d+)", r"Celeb-real/\1_\2", name) for name in fakes
    ]
    assert sum(target not in reals for target in targets) == 234
    people = {
        person for _, name in rows for person in re.findall(r"id\d+", name.rpartition("/")[2])
    }

    listing = celeb_df.read(str(shared_data / "celebdf"), splits=None, official=False)
    report, _ = audit_listing(listing)
    test = report.splits["test"]
    assert (test.videos, test.reals, test.fakes) == (518, 178, 340)
    assert (test.with_known_original, test.without_original) == (340, 234)
    assert test.groups == len(reals | set(targets))
    assert test.identities == len(people)
    assert test.identified == sum("/id" in name for _, name in rows)
    assert report.splits["train"].videos == report.splits["eval"].videos == 0
    assert report.overlaps == report.dropped == ()
