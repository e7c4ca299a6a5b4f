"""Small trees of empty files, laid out like datasets."""


def put(root, *names, content=b""):
    """Writes files below a folder."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def by_name(listing):
    """The videos by their ids, without the dataset's name."""
    names = [video.video_id for video in listing.videos]
    assert names == sorted(set(names))
    return {video.video_id.partition("/")[2]: video for video in listing.videos}
