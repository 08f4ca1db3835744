"""The parts of make-golden.py: the reference, the texts, the files."""
