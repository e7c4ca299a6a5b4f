"""Networks: a backbone with a head, pooling over tracks, and weights made elsewhere."""
