"""A hit, from what a sender sent to what is stored or dropped. Pure."""
