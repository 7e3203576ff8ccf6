"""Every pair of ink and ground that the pages use is readable: WCAG 2.2, level AA, measured from the tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

TEXT, CONTROL = 4.5, 3.0  # WCAG 1.4.3, and 1.4.11 for borders and icons
TONES = ("green", "blue", "amber", "red")
GROUNDS = ("paper", "paper-sunk", "paper-raised", "paper-hover")
PAIRS = [
    *((ink, ground, TEXT) for ink in ("ink", "ink-soft", "ink-faint", *TONES) for ground in GROUNDS),
    *((tone, f"{tone}-wash", TEXT) for tone in TONES),
    *(("ink", f"{tone}-wash", TEXT) for tone in TONES),
    *((ink, "paper-selected", TEXT) for ink in ("ink", "ink-soft", "ink-faint", *TONES)),
    ("invert-ink", "invert-paper", TEXT),
    *((line, ground, CONTROL) for line in ("line-strong", "focus") for ground in GROUNDS),
]


def tokens(scheme):
    """Name to colour, for "light" or "dark"."""
    sheet = Path(finders.find("sealdesk/css/tokens.css")).read_text()
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", sheet)
    return {name: light if scheme == "light" else dark for name, light, dark in pairs}


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_measured_as_the_standard_says():
    assert (round(contrast("#000000", "#ffffff"), 2), round(contrast("#777777", "#ffffff"), 2)) == (21.0, 4.48)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_ink_is_readable_on_its_ground(scheme, ink, ground, least):
    colours = tokens(scheme)

    assert contrast(colours[ink], colours[ground]) >= least
