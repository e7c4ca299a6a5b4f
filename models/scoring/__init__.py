"""From networks and crops to scores of faces, tracks and videos."""
