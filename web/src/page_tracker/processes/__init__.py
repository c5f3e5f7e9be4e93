"""The server processes of one machine: an embedded Valkey, the web server."""
