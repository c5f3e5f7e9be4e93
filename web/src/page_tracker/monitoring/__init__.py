"""Metrics for Prometheus: what was counted, and how store, lake and machine are."""
