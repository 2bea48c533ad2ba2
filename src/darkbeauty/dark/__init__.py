"""Dark matter: annihilation, freeze-out and detection of the lighter Majorana state."""
