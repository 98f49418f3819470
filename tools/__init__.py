"""What the checks need and users do not: no part of the package."""
