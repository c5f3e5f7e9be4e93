"""The pages that people open in a browser: rendered here, whole without a script."""
