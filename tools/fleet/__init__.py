"""Plans for many tenants: formulas, the simulation that checks them, and what docs/scale.md shows."""
