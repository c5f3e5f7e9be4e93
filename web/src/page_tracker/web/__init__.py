"""What a browser sees: routes beside the counter page, templates, static files."""
