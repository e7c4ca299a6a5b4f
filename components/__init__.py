"""Components: the TFX components that unmask adds, one file each."""
