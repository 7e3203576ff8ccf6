from __future__ import annotations

import pytest

from sealdesk.mail.messageids import (
    answer_subject,
    carried_id,
    chain,
    new_message_id,
    normal_id,
    normal_ids,
    number_in,
    tagged,
    untagged,
)


def test_message_ids_of_ours_lie_in_the_senders_domain_and_differ():
    first, second = new_message_id("help@desk.example"), new_message_id("help@desk.example")

    assert first != second
    assert (first[0], first.rpartition("@")[2]) == ("<", "desk.example>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a@b>", "<a@b>"),
        (" <a@b> (comment)", "<a@b>"),
        ("a@b", "<a@b>"),
        ("", ""),
        (None, ""),
        ("<>", "<>"),
    ],
)
def test_normal_id_has_brackets(text, expected):
    assert normal_id(text) == expected


def test_normal_ids_keeps_order_and_drops_repeats():
    assert normal_ids(["<b@x>", "a@x", "<b@x>", ""]) == ("<b@x>", "<a@x>")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"From: a\r\nMessage-ID: <x@desk.example>\r\n\r\nbody", "<x@desk.example>"),
        (b"message-id:\t<x@desk.example>\nTo: b\n\n", "<x@desk.example>"),
        (b"Subject: none\r\n\r\nMessage-ID: <body@desk.example>", ""),
        (b"", ""),
    ],
)
def test_carried_id_reads_the_header_only(data, expected):
    assert carried_id(data) == expected


def test_chain_keeps_the_first_and_the_last_references():
    references = [f"<{number}@x>" for number in range(50)]

    result = chain(references, "<last@x>")

    assert (len(result), result[0], result[-2:]) == (21, "<0@x>", ("<49@x>", "<last@x>"))


def test_chain_without_an_answered_mail_is_what_was_there():
    assert chain(["<a@x>"], "") == ("<a@x>",)


def test_subjects_carry_the_number_once():
    assert tagged("Broken [#10023] lamp [#7]", 10023) == "Broken lamp [#10023]"
    assert untagged("Broken [#10023]") == "Broken"


@pytest.mark.parametrize("title", ["Lamp", "Re: Lamp", "AW: Re: Lamp [#10023]", "re : Lamp"])
def test_answers_have_one_re_and_the_number(title):
    assert answer_subject(title, 10023) == "Re: Lamp [#10023]"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [("Re: x [#10023]", 10023), ("[#1] then [#2]", 2), ("#10023", None), ("[#]", None), ("[#" + "9" * 30 + "]", None)],
)
def test_number_in_reads_our_form_only(subject, expected):
    assert number_in(subject) == expected
