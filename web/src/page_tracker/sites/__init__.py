"""What an owner sets: sites, their settings, goals, segments, tokens. Pure."""
