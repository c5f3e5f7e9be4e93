"""The HTTP interface for programs: questions, sites, goals, segments and tokens."""
