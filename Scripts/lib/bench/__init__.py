"""The parts of Scripts/bench, one in a file; each takes a Bench and returns figures."""
