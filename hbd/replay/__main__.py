"""`python3 -m hbd.replay JOURNAL`."""

from __future__ import annotations

import sys

from hbd.replay.main import main

sys.exit(main())
