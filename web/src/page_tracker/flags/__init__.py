"""Features that are on for some only: declared here, decided in a file."""
