"""The commands `unmask serve`, `unmask predict` and `unmask verify`, a file each.

Importing them is light: what a command needs is imported when it runs.
"""

from serving.cli import predict, serve, verify

__all__ = ["predict", "serve", "verify"]
