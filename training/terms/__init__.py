"""Terms that training adds to the loss of any objective, one file each."""
