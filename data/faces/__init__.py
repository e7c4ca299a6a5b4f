"""From frames to face crops: cropping, tracking, descriptors and the faces of a whole video."""
