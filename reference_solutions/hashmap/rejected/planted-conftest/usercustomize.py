import sitecustomize  # noqa: F401  for interpreters that look here
