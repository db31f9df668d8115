"""Tell people about a result: one format a file, each with one function `render`."""
