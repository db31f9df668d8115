"""Start, freeze, thaw, inspect and stop the roles of a grading: one Protocol, two real sandboxes, one fake."""
