"""The SavedModel that is evaluated, checked, pushed and served."""
