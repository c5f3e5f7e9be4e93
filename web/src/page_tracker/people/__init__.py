"""People: accounts, roles, passwords, second factors, links, sessions. Pure."""
