"""Whether a value is one that botocore's service model describes."""

import datetime


def compare(value, shape, path):
    """What of the value is not in the shape, or is of another type."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path} is no structure"
            return
        for member, of in value.items():
            if member not in shape.members:
                yield f"{path}.{member} is not in the model"
            else:
                yield from compare(of, shape.members[member], f"{path}.{member}")
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for index, of in enumerate(value):
            yield from compare(of, shape.member, f"{path}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{path} is no map"
            return
        for key, of in value.items():
            yield from compare(key, shape.key, f"{path} key")
            yield from compare(of, shape.value, f"{path}.{key}")
    else:
        yield from compare_scalar(value, shape, path)


def compare_scalar(value, shape, path):
    numbers = (int, float)
    expected = {
        "string": (str,),
        "integer": (int,),
        "long": (int,),
        "timestamp": (*numbers, datetime.datetime),
        "boolean": (bool,),
    }[shape.type_name]
    if not isinstance(value, expected):
        yield f"{path} is {value!r}, expected {shape.type_name}"
    elif isinstance(value, str):
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value!r}, expected one of {shape.enum}"
        most = shape.metadata.get("max")
        if most is not None and len(value) > most:
            yield f"{path} is longer than {most}"
