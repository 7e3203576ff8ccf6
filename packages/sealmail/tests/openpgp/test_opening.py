"""Messages made by gpg, opened by us."""

import bz2
import time
from dataclasses import replace

import pytest
from conftest_names import NOW
