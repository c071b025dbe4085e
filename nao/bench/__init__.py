"""What things cost on this machine, side by side and as ratios: `nao bench`."""
