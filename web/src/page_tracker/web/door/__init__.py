"""How connections are held and requests read, within bounds, before Flask sees them."""
