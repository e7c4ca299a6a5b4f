"""The commands `unmask serve`, `predict` and `verify`."""
