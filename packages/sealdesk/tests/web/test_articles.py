"""The ticket page: badges from real mails, formatted mail in its frame, files, retry."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from sealdesk.core.clock import now
from sealdesk.keyring.actions import Vouching, import_keys, switch
from sealdesk.keyring.models import StoredKey
from sealdesk.web.html_mail import POLICY, POLICY_WITH_PICTURES
from sealmail.keys import Technology
from sealmail.mime import multipart
from sealmail.testing import export_armored, export_pem

from .conftest import HTML_MAIL, wrapped

DAY = timedelta(days=1)


def with_words_beside(signed, words):
    """A signed mail as a part of another by the same sender, behind words that nobody signed."""
    head, _, body = signed.partition(b"Content-Type: multipart/signed")
    around = b"Content-Type: text/plain\r\n\r\n" + words + b"\r\n"
    return head + multipart("mixed", [around, b"Content-Type: multipart/signed" + body])


def page(client, article):
    return client.get(reverse("ticket", args=[article.ticket.number])).content.decode()


@pytest.mark.mission("A3")
def test_good_signature_names_the_verified_address_and_never_the_display_name(alice, cast, own, know, take_in, write):
    know(cast.carol)

    shown = page(alice, take_in(write(cast.carol, sign=True, encrypt=True)))

    assert "Encrypted for you" in shown
    assert "Signed by carol@customer.example" in shown
    assert "Signed by Carol" not in shown


@pytest.mark.mission("A3")
def test_plain_mail_says_that_nothing_protects_it(alice, cast, take_in, write):
    shown = page(alice, take_in(write(cast.erin)))

    assert "Not encrypted" in shown
    assert "Nothing proves who wrote this." in shown


@pytest.mark.mission("A5")
def test_missing_private_key_is_said_and_retry_offered(alice, cast, take_in, write):
    shown = page(alice, take_in(write(cast.carol, encrypt=True)))

    assert "Unable to find private key to decrypt" in shown
    assert "ask carol@customer.example to encrypt for our key" in shown
    assert "Retry" in shown


@pytest.mark.mission("A3")
def test_mail_that_stayed_closed_claims_nothing_of_its_signature(alice, cast, take_in, write):
    shown = page(alice, take_in(write(cast.carol, sign=True, encrypt=True)))
    in_list = alice.get(reverse("tickets", args=["open"])).content.decode()

    assert "Whether it is signed shows only when it is opened." in shown
    assert ("Nothing proves who wrote this." in shown, "Notices changes" in shown) == (False, False)
    assert ("Signature not known" in in_list, "Not signed" in in_list) == (True, False)


@pytest.mark.mission("A6")
def test_retry_opens_a_mail_whose_key_came_later(alice, cast, own_key, take_in, write):
    article = take_in(write(cast.carol, text="the hidden words", encrypt=True))
    before = page(alice, article)
    import_keys(blob=export_pem(own_key), by=None)

    response = alice.post(reverse("article_retry", args=[article.pk]), follow=True)

    assert "the hidden words" not in before
    assert "the hidden words" in response.content.decode()


@pytest.mark.mission("A3")
def test_panel_shows_the_facts_in_order(alice, cast, own, know, take_in, write):
    know(cast.carol)

    shown = page(alice, take_in(write(cast.carol, sign=True, encrypt=True)))

    titles = re.findall(r"<h3>(.*?)</h3>", shown)
    assert titles[:3] == ["Checked", "Encryption, S/MIME", "Signature, S/MIME"]


def test_list_shows_the_badge_of_the_last_mail(alice, cast, take_in, write):
    take_in(write(cast.carol, encrypt=True))

    shown = alice.get(reverse("tickets", args=["open"])).content.decode()

    assert "Cannot be opened" in shown
    assert "carol@customer.example" in shown


def test_formatted_mail_has_a_policy_of_its_own_and_nothing_active(alice, take_in):
    article = take_in(HTML_MAIL)

    response = alice.get(reverse("article_html", args=[article.pk]))

    assert response["Content-Security-Policy"] == POLICY
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    body = response.content.decode().split("<body>")[1]
    assert all(word not in body for word in ("script", "onclick", "tracker.example", "alert"))
    assert 'title="evil.example"' in body


def test_frame_has_no_rights_to_run_anything(alice, take_in):
    assert 'sandbox="allow-same-origin allow-popups"' in page(alice, take_in(HTML_MAIL))


def test_remote_pictures_load_by_click_in_plain_mail(alice, take_in):
    address = reverse("article_html", args=[take_in(HTML_MAIL).pk])

    response = alice.get(address, {"pictures": "load"})

    assert response["Content-Security-Policy"] == POLICY_WITH_PICTURES
    assert "https://tracker.example/p.png" in response.content.decode()


def test_remote_pictures_never_load_in_decrypted_mail(alice, cast, own, take_in, write):
    article = take_in(write(cast.carol, encrypt=True))
    article.html = '<img src="https://tracker.example/p.png">'
    article.save()

    response = alice.get(reverse("article_html", args=[article.pk]), {"pictures": "load"})

    assert response["Content-Security-Policy"] == POLICY
    assert "tracker.example" not in response.content.decode()
    assert "Load remote pictures" not in page(alice, article)


def test_file_is_always_saved_and_never_shown(alice, cast, take_in, write):
    article = take_in(write(cast.erin, files=[('x".html', "text/html", b"<script>alert(1)</script>")]))

    response = alice.get(reverse("attachment", args=[article.attachments.get().pk]))

    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_raw_source_is_exactly_what_came(alice, cast, take_in, write):
    raw = write(cast.erin)

    response = alice.get(reverse("article_raw", args=[take_in(raw).pk]))

    assert response.content == raw
    assert response["Content-Disposition"].startswith("attachment")


def test_words_of_a_mail_are_text_and_not_markup(alice, cast, take_in, write):
    shown = page(alice, take_in(write(cast.erin, subject="<b>bold</b>", text="<script>alert(1)</script>")))

    assert "<script>alert(1)</script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<b>bold</b>" not in shown


def test_pages_carry_the_strict_policy_and_nothing_inline(alice, cast, take_in, write):
    response = alice.get(reverse("ticket", args=[take_in(write(cast.erin)).ticket.number]))
    shown = response.content.decode()

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", shown)
    assert not re.search(r"<script(?![^>]*\ssrc=)", shown)


def test_page_of_a_ticket_is_not_kept_by_caches(alice, cast, take_in, write):
    response = alice.get(reverse("ticket", args=[take_in(write(cast.erin)).ticket.number]))

    assert "no-store" in response["Cache-Control"]


def test_number_of_queries_does_not_grow_with_the_list(alice, cast, take_in, write, django_assert_max_num_queries):
    for name in ("one", "two", "three"):
        take_in(write(cast.erin, subject=name))

    with django_assert_max_num_queries(16):
        alice.get(reverse("tickets", args=["all"]))


def test_keys_of_the_customer_stand_beside_the_ticket(alice, cast, know, take_in, write):
    know(cast.carol)

    shown = page(alice, take_in(write(cast.carol)))

    assert StoredKey.objects.count() == 1
    assert "S/MIME, confirmed by hand" in shown


@pytest.mark.mission("S9")
def test_certificate_of_a_trusted_issuer_is_shown_as_such(alice, cast, own, take_in, write):
    import_keys(blob=cast.ca.certificate.material, vouching={cast.ca.certificate.fingerprint: Vouching()}, by=None)

    shown = page(alice, take_in(write(cast.carol, sign=True)))

    assert "Signed by carol@customer.example" in shown
    assert f"S/MIME, issued by a trusted CA ({cast.ca.certificate.name})" in shown
    assert "not confirmed" not in shown


def test_key_of_a_technology_that_is_off_says_so_beside_the_ticket(alice, cast, know, take_in, write):
    know(cast.carol)
    article = take_in(write(cast.carol))
    switch(technology=Technology.SMIME, is_on=False, by=None)

    shown = page(alice, article)

    assert ("S/MIME, switched off" in shown, "not confirmed" in shown) == (True, False)


def test_certificate_that_came_with_a_mail_is_not_confirmed(alice, cast, take_in, write):
    assert "S/MIME, not confirmed" in page(alice, take_in(write(cast.carol, sign=True)))


def test_expired_certificate_says_so_beside_its_trust(alice, cast, take_in, write):
    article = take_in(write(cast.carol))
    old = cast.ca.issue("carol@customer.example", valid_from=now() - 3 * DAY, valid_until=now() - DAY)
    import_keys(blob=export_armored(old.key).encode(), by=None)

    shown = page(alice, article)

    assert "S/MIME, confirmed by hand" in shown
    assert re.search(r"expired</span>,\s*was valid until", shown)


def test_part_opened_apart_keeps_its_words_and_files_in_its_own_frame(alice, cast, own, take_in, write):
    files = [("secret.txt", "text/plain", b"the hidden file")]
    article = take_in(wrapped(write(cast.carol, text="the hidden words", encrypt=True, files=files)))

    shown = page(alice, article)

    around, framed = shown.split('<section class="framed">')
    framed, after = framed.split("</section>", 1)
    assert [("the hidden words" in text, "secret.txt" in text) for text in (around, framed, after)] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    assert "Encrypted for you" in framed
    assert around.index("Only what stands in a frame below came encrypted.") < around.index("Please answer.")
    assert "Not signed as a whole." not in around
    assert "our key" in framed
    file = alice.get(reverse("attachment", args=[article.attachments.get().pk]))
    assert b"".join(file.streaming_content) == b"the hidden file"


@pytest.mark.mission("H1")
def test_picture_of_a_part_opened_apart_is_never_shown_in_the_mail_around_it(alice, cast, own, take_in, write):
    article = take_in(wrapped(write(cast.carol, encrypt=True, files=[("p.png", "image/png", b"secret pixels")])))
    article.attachments.update(content_id="p@customer.example")
    article.html = '<img src="cid:p@customer.example">'
    article.save()

    shown = alice.get(reverse("article_html", args=[article.pk])).content.decode()

    assert "data:image" not in shown


def test_part_that_was_opened_later_is_shown(alice, cast, own_key, take_in, write):
    article = take_in(wrapped(write(cast.carol, text="the hidden words", encrypt=True)))
    before = page(alice, article)
    import_keys(blob=export_pem(own_key), by=None)

    alice.post(reverse("article_retry", args=[article.pk]))

    assert ("the hidden words" in before, "the hidden words" in page(alice, article)) == (False, True)


def test_retry_is_offered_and_works_where_only_a_part_could_not_be_verified(alice, cast, know, take_in, write):
    article = take_in(with_words_beside(write(cast.frank, text="The signed words.", sign=True), b"Hello."))
    before = page(alice, article)
    know(cast.frank)

    shown = alice.post(reverse("article_retry", args=[article.pk]), follow=True).content.decode()

    assert (article.encryption, article.signature, article.signature_covers) == ("none", "none", "part")
    assert (reverse("article_retry", args=[article.pk]) in before, "Signed by frank" in before) == (True, False)
    assert "it shows more now" in shown
    assert "Signed by frank@customer.example" in shown.split('<section class="framed">')[1]
    assert reverse("article_retry", args=[article.pk]) not in shown


def test_attack_words_beside_a_signed_part_do_not_share_its_frame(alice, cast, own, know, take_in, write):
    know(cast.frank)

    article = take_in(with_words_beside(write(cast.frank, text="The signed words.", sign=True), b"Pay Mallory."))

    before, _, after = page(alice, article).partition('<section class="framed">')
    frame = after.split("</section>")[0]
    assert (article.signature, article.signature_covers) == ("none", "part")
    assert "tone-green" not in before.split("<article")[1]
    assert "Signed by frank@customer.example" in frame
    assert "The signed words." in frame
    assert "Pay Mallory." not in frame
    assert (
        before.index("Not signed as a whole.")
        < before.index("Only what stands in a frame below carries")
        < (before.index("Pay Mallory."))
    )
    assert "Not encrypted as a whole." not in before
    assert "recipient’s key" not in frame
