"""Lists the videos of two folders, `real` and `fake`, as a manifest for `unmask extract`.

    python examples/make_manifest.py FOLDER

Writes FOLDER/manifest.csv. A fake whose name begins with that of a real and `_`, as
fake/anna_swapped.mp4 does with real/anna.mp4, was made from it: the two stay in one split.
"""

import csv
import pathlib
import sys

from data.video import has_video_suffix


def main(folder: pathlib.Path) -> None:
    """Writes the manifest."""
    reals, fakes = (
        sorted(path for path in (folder / name).iterdir() if has_video_suffix(path.name))
        for name in ("real", "fake")
    )
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label", "source"])
        for real in reals:
            rows.writerow([f"real/{real.name}", "REAL", ""])
        for fake in fakes:
            made_from = [real for real in reals if fake.stem.startswith(f"{real.stem}_")]
            # The longest name: ann_b_swapped was made from ann_b, not from ann.
            original = max(made_from, key=lambda real: len(real.stem), default=None)
            source = "" if original is None else f"real/{original.name}"
            rows.writerow([f"fake/{fake.name}", "FAKE", source])
    print(f"{folder / 'manifest.csv'}: {len(reals)} real and {len(fakes)} fake videos")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
