"""What Redis keeps of people: accounts with their mirror, sessions, one-time links."""
