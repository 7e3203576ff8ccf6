"""Valid messages whose trees are mutilated at random, always by the same seed: nothing raises, nothing gets better.

EXHAUSTIVE=1 in the environment tries ten times as many.
"""

from __future__ import annotations

import os
import random
from copy import deepcopy

import pytest

from sealmail import ber
from sealmail.report import Signature

# The X.509 library only warns of names that are too short or too long; what it warns of is read all the same.
FORMS = ["opaque", "detached", "CBC", "GCM", "compressed"]
MUTATIONS = 5000 if os.environ.get("EXHAUSTIVE") else 500
TAGS = [
    ber.SEQUENCE,
    ber.SET,
    ber.INTEGER,
    ber.OCTET_STRING,
    0x24,
    ber.OID,
    ber.NULL,
    0x80,
    0xA0,
    0xA1,
    0xA2,
    0x1F,
    0x00,
]


@pytest.mark.mission("B14")
@pytest.mark.parametrize("form", FORMS)
def test_mutilated_message_is_never_good_with_other_words(hostile, parsed, form: str) -> None:
    """`verdict` itself asserts that what is good has the words and the signer of the original."""
    chance = random.Random(f"sealmail {form}")  # noqa: S311 -- the same mutations each time
    donors = [node for other in FORMS for node in parsed(hostile.forms[other]).walk()]
    verdicts = []
    for _ in range(MUTATIONS):
        root = parsed(hostile.forms[form])
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            mutilate(root, chance, donors)
        verdicts.append(hostile.verdict(root.encoded, form))

    assert verdicts.count(Signature.GOOD) < MUTATIONS // 2


def mutilate(root, chance: random.Random, donors: list) -> None:
    """One change somewhere in the tree, of a kind that keeps all lengths right."""
    node = chance.choice([*root.walk()])
    if chance.random() < 0.1:
        node.tag = chance.choice(TAGS)
    elif node.children:
        mutilate_children(node.children, chance, donors)
    else:
        node.octets = mutilated_octets(node.octets, chance)


def mutilate_children(children: list, chance: random.Random, donors: list) -> None:
    place = chance.randrange(len(children))
    match chance.randrange(6):
        case 0:
            del children[place]
        case 1:
            children.append(deepcopy(children[place]))
        case 2:
            chance.shuffle(children)
        case 3:
            children.insert(place, deepcopy(chance.choice(donors)))
        case 4:
            children[place] = deepcopy(chance.choice(donors))
        case _:
            children.clear()


def mutilated_octets(octets: bytes, chance: random.Random) -> bytes:
    match chance.randrange(6):
        case 0:
            return b""
        case 1:
            return octets[: chance.randrange(len(octets) + 1)]
        case 2:
            return octets + chance.randbytes(chance.choice((1, 16, 300)))
        case 3:
            return chance.randbytes(len(octets))
        case 4:
            return octets + octets
        case _:
            return bytes(octet ^ (chance.random() < 0.05) for octet in octets)
