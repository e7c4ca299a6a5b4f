"""Hand-made videos for the tests of splits."""

import random

from data.contract import Label
from data.datasets import SourceVideo


def video(name, *sources, fake=False, method="swap", dataset="demo", **fields):
    return SourceVideo(
        video_id=name,
        path=f"/clips/{name}",
        label=Label.FAKE if fake else Label.REAL,
        dataset=dataset,
        method=method if fake else "real",
        compression="",
        sources=sources,
        **fields,
    )


def random_videos(seed, count=60, prefix="v", persons=40, **fields):
    """Reals of one person and fakes of two, as datasets have them."""
    draw = random.Random(seed)
    videos = []
    for i in range(count):
        fake = draw.random() < 0.5
        sources = draw.sample([f"p{n:03d}" for n in range(persons)], 2 if fake else 1)
        videos.append(video(f"{prefix}{i}", *sources, fake=fake, **fields))
    return videos


def groups_by_flood(videos):
    """The groups by a method of another kind: grow each until nothing is added."""
    groups = []
    for one in videos:
        names, keys = {one.video_id}, {one.video_id, *one.sources, *one.split_by}
        touching = [group for group in groups if group[1] & keys]
        for group in touching:
            names |= group[0]
            keys |= group[1]
        groups = [group for group in groups if group not in touching] + [(names, keys)]
    return [names for names, _ in groups]


def splits_kept(assignments):
    """The split of each video that is in one, as a ledger holds it."""
    return {name: a.split for name, a in assignments.items() if a.split is not None}
