"""Who is let in, and how much is taken on at a time."""
