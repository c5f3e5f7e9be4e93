"""A hit, from what a sender said to what is stored or dropped. Pure."""
