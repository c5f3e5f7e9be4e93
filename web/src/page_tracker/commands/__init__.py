"""The commands of `page-tracker`, one module each."""
