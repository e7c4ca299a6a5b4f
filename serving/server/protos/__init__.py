"""Messages of TensorFlow Serving's own text files that no package on the index carries.

Same package, field names and numbers as in TensorFlow Serving 2.16, so that its files are read
as they are. `make protos` renews the Python code.
"""
