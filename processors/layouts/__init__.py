"""How examples are laid out for an encoder; see `processors.layouts.base`."""
