"""The demo clinic: made by `manage seed_demo` through the actions alone, with dates relative to today."""
