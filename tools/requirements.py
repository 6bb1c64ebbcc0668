"""Print the packages that pyproject.toml names, one a line, for pip.

In: pyproject.toml. Out: the run-time and development dependencies on standard output. They are
installed before the extension is built, so that lint and types need no build.
"""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:  # the only TOML parser that a fresh virtual environment of Python 3.10 has
    from pip._vendor import tomli as tomllib


def main() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    print("\n".join(project["dependencies"] + project["optional-dependencies"]["dev"]))


if __name__ == "__main__":
    main()
