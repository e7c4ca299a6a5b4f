"""Tests; a package, or processes that tests start would find another `tests` in site-packages."""
