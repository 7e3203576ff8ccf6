"""The whole intake on a fresh desk with SQLite: stored in the vault and committed, opened, decided, made a ticket.

Runs as a program of its own in a temporary folder, since the desk's settings are read when it starts. Prints JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace

from bench.cases import Pair, openpgp, smime
from bench.letters import AGENT, CUSTOMER, draft
from bench.memory import children, status
from bench.ours import Desk
from bench.table import Table, megabytes
from sealmail.bounded import BoundedOpener
from sealmail.keys import Technology
from sealmail.testing import export_armored, export_pem

_MAILS = 200
_WARM_UP = 20


def intake_tables() -> Iterator[Table]:
    """Mails a second through a fresh desk, and the memory of the process that did it."""
    with tempfile.TemporaryDirectory(prefix="sealdesk-bench-") as home:
        environment = {**os.environ, "SEALDESK_HOME": home, "DJANGO_SETTINGS_MODULE": "sealdesk.config.settings"}
        command = [sys.executable, "-m", "bench.intake"]
        output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    found = json.loads(output)
    rate = {name: found["mails"] / found[name] for name in ("receive", "process")}
    both = found["mails"] / (found["receive"] + found["process"])
    rows = [
        ("received (vault, committed)", f"{rate['receive']:.0f} a second"),
        ("processed (opened, ticket, article, report)", f"{rate['process']:.0f} a second"),
        ("whole intake", f"{both:.0f} a second"),
        ("worker process, memory", megabytes(found["worker"])),
        ("its child, memory", megabytes(found["child"])),
    ]
    note = (
        "Mails of 10 kB, signed and encrypted with RSA-3072, half S/MIME, half PGP; SQLite, one thread and its child."
    )
    yield Table("Intake", ("step", "result"), rows, note)


def main() -> None:
    """Makes the desk, takes the mails in, and says how long it took."""
    from sealdesk.cli.setup import migrate_database, prepare

    prepare()
    migrate_database()
    pairs = (smime("S/MIME", "rsa3072"), openpgp("PGP", "rsa3072"))
    _furnish(pairs)
    mails = list(_mails(pairs))
    _take_in(mails[:_WARM_UP])
    print(json.dumps({"mails": _MAILS, **_take_in(mails[_WARM_UP:]), **_memory()}))


def _furnish(pairs: tuple[Pair, ...]) -> None:
    from sealdesk.keyring.actions import Vouching, import_keys
    from sealdesk.people.actions import create_group

    group = create_group(name="Support", addresses=[AGENT.address], by=None)
    for pair in pairs:
        is_smime = pair.technology is Technology.SMIME
        own = export_pem(pair.agent) if is_smime else export_armored(pair.agent).encode()
        import_keys(blob=own, groups=[group], by=None)
        if pair.ca is None:
            import_keys(blob=export_armored(pair.customer.key).encode(), by=None)
        else:
            authority = pair.ca.certificate
            vouching = {authority.fingerprint: Vouching()}
            import_keys(blob=export_armored(authority).encode(), vouching=vouching, by=None)


def _mails(pairs: tuple[Pair, ...]) -> Iterator[bytes]:
    """Each mail is another one, sealed by the customer."""
    with BoundedOpener() as unused:
        customers = [Desk(replace(pair, agent=pair.customer, customer=pair.agent), unused) for pair in pairs]
        for number in range(_WARM_UP + _MAILS):
            yield customers[number % len(customers)].seal(draft(CUSTOMER, AGENT, number=number))


def _take_in(mails: list[bytes]) -> dict[str, float]:
    from sealdesk.mail.intake.actions import receive
    from sealdesk.mail.models import RawMail, RawState
    from sealdesk.mail.worker import Worker

    worker = Worker()
    start = time.perf_counter()
    for mail in mails:
        receive(raw=mail)
    received = time.perf_counter()
    while worker.work_once().taken_in:
        pass
    processed = time.perf_counter()
    if RawMail.objects.exclude(state=RawState.DONE).exists():
        raise AssertionError("not every mail became an article")
    return {"receive": received - start, "process": processed - received}


def _memory() -> dict[str, int]:
    from sealdesk.mail.intake.opening import close_opener

    found = {"worker": status("self", "VmRSS"), "child": max(status(child, "VmRSS") for child in children())}
    close_opener()
    return found


if __name__ == "__main__":
    main()
