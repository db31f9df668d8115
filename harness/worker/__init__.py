"""The process in a subject's container: loads the driver and the submission beside it, and answers one call at a time.

Nothing here is trusted: it shares its process with the submission. It keeps an honest submission's story straight (what
was raised, what was printed), and every rule that matters is enforced again on the grader's side.
"""
