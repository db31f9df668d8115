"""What travels between the grader and a subject: plain data in frames, one answer to each question; no I/O here."""
