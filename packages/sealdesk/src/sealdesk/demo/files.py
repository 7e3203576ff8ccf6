"""Files that the demo's customers attach."""

from __future__ import annotations

JOURNAL = """\
02:10:04  export started, 1,284 values
02:10:09  column missing: reference range
02:10:31  export finished with one complaint
"""

OPENING_HOURS = """\
day;from;until
Monday;07:30;16:00
Tuesday;07:30;16:00
Friday;07:30;12:00
"""


def agreement_pdf() -> bytes:
    """A document of one page that PDF readers show."""
    words = "BT /F1 16 Tf 72 760 Td (Data processing agreement) Tj 0 -28 Td (Countersigned in Antwerp) Tj ET"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    page = f"/Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 {font} >> >>"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page {page} >>",
        f"<< /Length {len(words)} >>\nstream\n{words}\nendstream",
    )
    document, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    end = (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n"
    )
    return document + f"{end}startxref\n{len(document)}\n%%EOF\n".encode()
