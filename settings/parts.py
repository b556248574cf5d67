"""Parts of settings: functions take what they use, by dataclasses whose fields have the names of settings."""

import dataclasses


def part(cls, settings):
    """An object of the dataclass with the settings of its names; a field without a setting has its default."""
    names = [field.name for field in dataclasses.fields(cls)]
    return cls(**{name: getattr(settings, name) for name in names if hasattr(settings, name)})
