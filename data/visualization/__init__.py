"""Pictures of a dataset: the contact sheet, and what all drawn sheets share."""
