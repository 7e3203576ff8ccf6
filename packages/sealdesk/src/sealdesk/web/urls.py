"""Addresses of the pages."""

from django.urls import path

from sealdesk.web.admin import channels, key_page, keys, logs, people, quarantine, sections
from sealdesk.web.agent import articles, lists, tickets, writing

urlpatterns = [
    path("", lists.home, name="home"),
    path("counters/<slug:current>/", lists.counters, name="counters"),
    path("lists/<slug:slug>/", lists.tickets, name="tickets"),
    path("tickets/new/", writing.new_ticket, name="ticket_new"),
    path("tickets/new/preview/", writing.new_ticket_preview, name="ticket_new_preview"),
    path("tickets/<int:number>/", tickets.ticket, name="ticket"),
    path("tickets/<int:number>/replies/", tickets.replies, name="ticket_replies"),
    path("tickets/<int:number>/replies/preview/", tickets.reply_preview, name="ticket_reply_preview"),
    path("tickets/<int:number>/notes/", tickets.notes, name="ticket_notes"),
    path("tickets/<int:number>/state/", tickets.state, name="ticket_state"),
    path("tickets/<int:number>/owner/", tickets.owner, name="ticket_owner"),
    path("articles/<uuid:article_id>/html/", articles.formatted, name="article_html"),
    path("articles/<uuid:article_id>/raw/", articles.raw, name="article_raw"),
    path("articles/<uuid:article_id>/retry/", articles.retry_opening, name="article_retry"),
    path("articles/<uuid:article_id>/deliveries/", articles.deliveries, name="article_deliveries"),
    path("articles/<uuid:article_id>/sealing/", articles.seal_again, name="article_seal_again"),
    path("articles/<uuid:article_id>/copies/<uuid:copy_id>/sending/", articles.send_again, name="copy_send_again"),
    path("attachments/<uuid:attachment_id>/", articles.attachment, name="attachment"),
    path("admin/", sections.index, name="admin"),
    path("admin/smime/", keys.smime, name="admin_smime"),
    path("admin/smime/certificates/", keys.add_certificate, name="admin_add_certificate"),
    path("admin/smime/private-keys/", keys.add_private_key, name="admin_add_private_key"),
    path("admin/pgp/", keys.openpgp, name="admin_openpgp"),
    path("admin/pgp/keys/", keys.add_pgp_key, name="admin_add_pgp_key"),
    path("admin/keys/<uuid:key_id>/", key_page.key, name="admin_key"),
    path("admin/keys/<uuid:key_id>/download/", keys.download, name="admin_key_download"),
    path("admin/keys/<uuid:key_id>/secret/", keys.download_secret, name="admin_key_download_secret"),
    path("admin/keys/<uuid:key_id>/delete/", keys.delete, name="admin_key_delete"),
    path("admin/<slug:technology>/switch/", keys.switch, name="admin_switch"),
    path("admin/<slug:technology>/defaults/", keys.defaults, name="admin_defaults"),
    path("admin/logs/", logs.logs, name="admin_logs"),
    path("admin/groups/", people.groups, name="admin_groups"),
    path("admin/agents/", people.agents, name="admin_agents"),
    path("admin/channels/", channels.channels, name="admin_channels"),
    path("admin/channels/<uuid:channel_id>/switch/", channels.switch, name="admin_channel_switch"),
    path("admin/quarantine/", quarantine.quarantine, name="admin_quarantine"),
    path("admin/quarantine/<uuid:mail_id>/retry/", quarantine.retry, name="admin_quarantine_retry"),
]
