"""What is looked up for a hit: bots, clients, places, sources, spam; and updates."""
