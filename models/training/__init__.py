"""The entries of TFX's Trainer and Tuner, and the training loop behind them."""
