"""The Beam job that turns videos into TFRecords of Examples and a ledger."""
