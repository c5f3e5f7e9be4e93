"""The pages that people open in a browser: rendered here, complete without a script."""
