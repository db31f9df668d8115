"""Between the host, which owns the containers, and the grader role, which measures: a job down, evidence up."""
