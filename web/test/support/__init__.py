"""What the tests share: processes to talk to, and load to put on them."""
