"""Run the command line from a checkout; the commands live in ``wsgeo/commands``."""

from wsgeo.cli import main

if __name__ == "__main__":
    main()
