"""Writing mail: presets, reasons, choices that survive, and nothing that leaves otherwise than shown."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from sealdesk.keyring.actions import set_default
from sealdesk.mail.models import Outgoing
from sealdesk.people.models import Group
from sealmail.keys import Technology

from .conftest import wrapped

pytestmark = pytest.mark.mission("A1")


@pytest.fixture
def ticket(take_in, write, cast):
    return take_in(write(cast.carol)).ticket


def preview(client, ticket, **typed):
    response = client.post(reverse("ticket_reply_preview", args=[ticket.number]), typed)
    assert response.status_code == 200
    return response.context["composer"].panel, response.content.decode()


def send(client, ticket, **typed):
    first = client.post(reverse("ticket_reply_preview", args=[ticket.number]), typed)
    return client.post(
        reverse("ticket_replies", args=[ticket.number]),
        {"text": "The answer.", "seen": first.context["composer"].seen, **typed},
    )


@pytest.mark.mission("A4", "S9")
def test_both_buttons_are_preset_where_everything_is_there(alice, cast, own, know, ticket):
    know(cast.carol)

    panel, shown = preview(alice, ticket, to="carol@customer.example")

    assert (panel.encrypt.is_on, panel.sign.is_on) == (True, True)
    assert "Will be encrypted for carol@customer.example." in shown
    assert "Will be signed as support@desk.example." in shown
    assert "Encrypted and signed: 1 by S/MIME" in shown


def test_hover_shows_certificate_owner_and_validity(alice, cast, own, know, ticket):
    know(cast.carol)

    panel, _ = preview(alice, ticket, to="carol@customer.example")

    (card,) = panel.encrypt.cards
    assert [row.name for row in card] == ["For", "Certificate", "Valid until", "Fingerprint", "Trust", "Cipher"]


@pytest.mark.mission("S9")
def test_default_of_the_group_presets_the_buttons(alice, cast, own, know, ticket, support):
    know(cast.carol)
    set_default(group=support, technology=Technology.SMIME, sign=True, encrypt=False, by=None)

    panel, _ = preview(alice, ticket, to="carol@customer.example")

    assert (panel.encrypt.is_on, panel.encrypt.is_possible, panel.sign.is_on) == (False, True, True)


def test_button_that_is_not_possible_says_why_for_everybody(alice, ticket):
    panel, shown = preview(alice, ticket, to="carol@customer.example")

    assert not panel.encrypt.is_possible
    assert not panel.sign.is_possible
    assert 'aria-describedby="encrypt-why"' in shown
    assert "The certificate for carol@customer.example was not found." in shown
    assert "There is no private key with a certificate for support@desk.example." in shown


def test_summary_counts_recipients_by_technology(alice, cast, own, know, ticket):
    know(cast.carol, cast.frank)

    _, shown = preview(alice, ticket, to="carol@customer.example", cc="frank@customer.example")

    assert "Encrypted and signed: 2 by S/MIME" in shown


def test_own_choice_survives_a_change_of_recipients(alice, cast, own, know, ticket):
    know(cast.carol, cast.frank)

    panel, _ = preview(alice, ticket, to="carol@customer.example frank@customer.example", encrypt_choice="off")

    assert (panel.encrypt.is_on, panel.encrypt.is_possible) == (False, True)


def test_own_choice_that_is_lost_is_said_in_place(alice, cast, own, know, ticket):
    know(cast.carol)

    panel, shown = preview(alice, ticket, to="carol@customer.example, erin@customer.example", encrypt_choice="on")

    assert panel.lost == ("You chose Encrypt; it is not possible for erin@customer.example.",)
    assert "Do not encrypt this mail" in shown


def test_half_typed_address_is_no_error_while_typing(alice, ticket):
    panel, shown = preview(alice, ticket, to="carol@")

    assert "There is no recipient yet." in shown
    assert panel.encrypt.is_on is False


def test_sending_asks_for_what_is_shown(alice, cast, own, know, ticket):
    know(cast.carol)

    response = send(alice, ticket, to="carol@customer.example", encrypt="on", sign="on")

    outgoing = Outgoing.objects.get()
    assert response.status_code == 302
    assert (outgoing.encrypt, outgoing.sign) == (True, True)


def test_refusal_keeps_what_was_typed_and_sends_nothing(alice, cast, own, know, ticket):
    know(cast.carol)

    response = send(alice, ticket, to="carol@customer.example, erin@customer.example", encrypt_choice="on", sign="on")

    shown = response.content.decode()
    assert (response.status_code, Outgoing.objects.count()) == (422, 0)
    assert "The answer." in shown
    assert "It cannot be encrypted, so it was not sent." in shown
    assert "The certificate for erin@customer.example was not found." in shown


def test_recipients_that_changed_after_the_look_are_shown_again_first(alice, cast, own, know, ticket):
    know(cast.carol)

    response = alice.post(
        reverse("ticket_replies", args=[ticket.number]),
        {"text": "The answer.", "to": "carol@customer.example", "seen": "|somebody@else.example||"},
    )

    assert (response.status_code, Outgoing.objects.count()) == (422, 0)
    assert "The recipients have changed." in response.content.decode()


def test_wrong_address_is_named_at_its_field(alice, ticket):
    response = send(alice, ticket, to="carol@customer.example", cc="nonsense", encrypt_choice="off", sign_choice="off")

    assert response.status_code == 422
    assert "“nonsense” is not an e-mail address." in response.content.decode()


def test_readable_answer_to_an_encrypted_mail_is_a_deliberate_step(alice, cast, own, take_in, write):
    ticket = take_in(write(cast.carol, encrypt=True)).ticket
    typed = {"to": "carol@customer.example", "encrypt_choice": "off", "sign_choice": "off"}

    refused = send(alice, ticket, **typed)
    sent = send(alice, ticket, **typed, plain_is_meant="on")

    assert (refused.status_code, sent.status_code) == (422, 302)
    assert "You answer an encrypted mail with a readable one." in refused.content.decode()


def test_reply_is_addressed_to_who_wrote_and_nobody_else(alice, take_in):
    raw = (
        b"From: erin@customer.example\r\nTo: support@desk.example\r\nCc: mallory@evil.example\r\n"
        b"Reply-To: mallory@evil.example\r\nSubject: x\r\nMessage-ID: <a@b.example>\r\n\r\nhello"
    )

    response = alice.get(reverse("ticket", args=[take_in(raw).ticket.number]))

    letter = response.context["composer"].letter
    assert (letter.to, letter.cc, letter.bcc) == ("erin@customer.example", "", "")


@pytest.mark.mission("A4")
def test_outgoing_mail_shows_each_recipient_with_sealing_and_state(alice, cast, own, know, ticket):
    know(cast.carol)
    send(alice, ticket, to="carol@customer.example", encrypt="on", sign="on")

    shown = alice.get(reverse("ticket", args=[ticket.number])).content.decode()

    assert "Will be encrypted and signed" in shown
    assert "Waiting" in shown


def test_new_ticket_begins_with_our_mail(alice, cast, own, know, support):
    know(cast.carol)
    typed = {"group": str(support.pk), "to": "carol@customer.example", "subject": "About you", "text": "Hello."}
    seen = alice.post(reverse("ticket_new_preview"), typed).context["composer"].seen

    response = alice.post(reverse("ticket_new"), {**typed, "seen": seen, "encrypt": "on", "sign": "on"})

    outgoing = Outgoing.objects.get()
    assert response.url == reverse("ticket", args=[outgoing.article.ticket.number])
    assert (outgoing.encrypt, outgoing.sign, outgoing.article.to) == (True, True, ["carol@customer.example"])


def test_new_ticket_in_a_group_that_is_not_mine_is_refused(alice, billing):
    typed = {"group": str(billing.pk), "to": "carol@customer.example", "subject": "x", "text": "y"}

    response = alice.post(reverse("ticket_new"), typed)

    assert (response.status_code, Outgoing.objects.count()) == (422, 0)


def quoted(client, ticket):
    return client.get(reverse("ticket", args=[ticket.number])).context["composer"].letter.quote


def test_quote_names_the_address_and_marks_each_line(alice, cast, own, take_in, write):
    article = take_in(write(cast.carol, text="One\n\nthree\n", encrypt=True))

    first, *lines = quoted(alice, article.ticket).splitlines()

    assert first.endswith(", carol@customer.example wrote:")
    assert lines == ["> One", ">", "> three"]


@pytest.mark.parametrize("wanted", [True, False])
def test_quote_leaves_below_the_words_and_only_where_it_is_wanted(alice, ticket, wanted):
    send(alice, ticket, to="carol@customer.example", quote="> old words", **({"with_quote": "on"} if wanted else {}))

    text = Outgoing.objects.get().article.text
    assert text == ("The answer.\n\n> old words\n" if wanted else "The answer.")


def test_quote_alone_is_no_answer(alice, ticket):
    response = send(alice, ticket, to="carol@customer.example", text=" ", quote="> old words", with_quote="on")

    assert (response.status_code, Outgoing.objects.count()) == (422, 0)
    assert "&gt; old words" in response.content.decode()


@pytest.mark.mission("H1")
def test_words_of_a_part_that_was_opened_apart_are_never_quoted(alice, cast, own, own_key, take_in, write):
    article = take_in(wrapped(write(cast.carol, text="the stolen words", encrypt=True)))

    shown = alice.get(reverse("ticket", args=[article.ticket.number]))

    assert "the stolen words" in shown.content.decode()
    assert quoted(alice, article.ticket).splitlines()[1:] == ["> Please answer."]


@pytest.mark.mission("H1")
def test_words_that_formatting_may_hide_are_not_quoted_from_encrypted_mail(alice, cast, own, take_in, write):
    article = take_in(write(cast.carol, text="Hello the hidden words", encrypt=True))
    article.html = '<p>Hello</p><p style="font-size:0">the hidden words</p>'
    article.save()

    assert quoted(alice, article.ticket) == ""


def test_long_mail_is_quoted_in_part(alice, take_in, write, cast):
    article = take_in(write(cast.erin, text="line\n" * 5000))

    lines = quoted(alice, article.ticket).splitlines()

    assert (len(lines), lines[-1]) == (402, "> […]")


def test_attachments_too_large_for_memory_are_said_and_never_left_out(alice, settings, ticket):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10_000
    typed = {"to": "erin@customer.example", "text": "See the contract.", "sign_choice": "off", "encrypt_choice": "off"}
    files = [SimpleUploadedFile("contract.pdf", b"x" * 20_000)]

    answer = alice.post(reverse("ticket_replies", args=[ticket.number]), typed | {"files": files})

    assert answer.status_code == 422
    assert b"attach less" in answer.content
    assert Outgoing.objects.count() == 0


def test_refused_mail_says_that_its_files_must_be_chosen_again(alice):
    words = "Choose the files again"
    letter = {"to": "carol@customer.example", "subject": "", "text": "Hello", "group": str(Group.objects.get().pk)}

    with_file = alice.post(reverse("ticket_new"), {**letter, "files": [SimpleUploadedFile("contract.pdf", b"x")]})
    without = alice.post(reverse("ticket_new"), letter)

    assert (with_file.status_code, without.status_code) == (422, 422)
    assert (words in with_file.content.decode(), words in without.content.decode()) == (True, False)
