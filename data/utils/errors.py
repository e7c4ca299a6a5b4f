"""The one exception that a user's mistake raises."""


class UsageError(Exception):
    """Wrong use or configuration: the message names the thing and the cure.

    The command line prints the message alone and exits with code 2.
    """


class OutputError(UsageError, OSError):
    """Something cannot be written: no video's fault, so the whole job ends."""
