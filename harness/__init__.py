"""Run submissions in a sandbox and measure them; knows nothing of challenges, bars or scores."""
