"""What every room needs and that knows of none: errors, files, configuration, processes."""
