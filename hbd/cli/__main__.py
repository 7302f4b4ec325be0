"""`python3 -m hbd.cli` in a source tree is the hbctl of an installed one."""

from __future__ import annotations

import sys

from hbd.cli.main import main

sys.exit(main())
