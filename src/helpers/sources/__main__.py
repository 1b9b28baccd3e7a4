"""``python -m helpers.sources``, as `make refresh` calls it."""

import sys

from helpers import terminal
from helpers.sources.refresh import main

sys.exit(terminal.run(main))
