"""One file for each framework, each with an extra of the same name, imported only when used."""
