"""Pictures of a dataset, and what all drawn sheets share.

Open `contact_sheet.py` first: it draws the sheet of an extraction, with videos that `selection.py`
chooses and a layout that `rendering.py` paints. It reads extractions, so it is imported from its
file; `drawing`, which other rooms use too, needs none.
"""

from data.visualization import drawing

__all__ = ["drawing"]
