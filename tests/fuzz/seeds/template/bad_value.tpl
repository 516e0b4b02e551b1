flow both
