"""The parts of a message in reading order, one module each; every part is always there and says if it is empty."""
