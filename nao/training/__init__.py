"""How weights are found, from the training contexts alone."""
