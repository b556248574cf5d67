"""Parts of settings: functions take what they use, by dataclasses whose fields have the names of settings."""

import dataclasses


def part(cls, settings):
    """An object of the dataclass with the settings of the same names."""
    return cls(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(cls)})
