"""Data: datasets, splits, video, face detection, tracks, crops and the Beam extraction job."""
