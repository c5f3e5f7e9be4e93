"""What is looked up of a hit: bots, clients, places, sources, spam; and its updates."""
