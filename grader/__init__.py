"""Judge what the harness measured, and tell people about it."""
