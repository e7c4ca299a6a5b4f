"""Components: the TFX components that unmask adds, one file each.

They work on artifacts; what they call is in `models` and `serving`. `served_versions.py` reads and
writes the folder that a model server watches. All of them load TFX and are imported from their
files.
"""
