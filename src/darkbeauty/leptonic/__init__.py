"""What the Z′ and the leptoquark do to leptons and at colliders: magnetic moments, neutrino tridents, direct searches."""
