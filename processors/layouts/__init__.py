"""How examples are laid out for an encoder; see `bertline.processors.layouts.base`."""
