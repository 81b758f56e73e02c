"""A report as one HTML file that needs nothing else: where and how it was measured, charts, tables,
what to mind."""

import html

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111827; margin: 2rem auto; max-width: 72rem;
       padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin-bottom: 0.2rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
.charts svg { width: 100%; height: auto; border: 1px solid #e5e7eb; border-radius: 8px; }
table { border-collapse: collapse; margin: 0.8rem 0; } td, th { padding: 0.25rem 0.8rem;
  border-bottom: 1px solid #e5e7eb; text-align: right; font-variant-numeric: tabular-nums; }
td:first-child, th:first-child { text-align: left; } th { color: #4b5563; font-weight: 600; }
.mind { background: #fef3c7; border-left: 4px solid #d97706; padding: 0.5rem 1rem;
  margin: 0.6rem 0; } .met { color: #15803d; } .missed { color: #b91c1c; }
code { background: #f3f4f6; padding: 0.1rem 0.3rem; border-radius: 4px; font-size: 0.88em;
  overflow-wrap: anywhere; } .quiet { color: #4b5563; }
"""


def table(head, rows):
    """Cells are text; one that is a (text, class) pair has that class."""
    def cell(value, tag="td"):
        text, kind = value if isinstance(value, tuple) else (value, "")
        attribute = f' class="{kind}"' if kind else ""
        return f"<{tag}{attribute}>{html.escape(str(text))}</{tag}>"
    lines = ["<table><tr>" + "".join(cell(value, "th") for value in head) + "</tr>"]
    lines += ["<tr>" + "".join(cell(value) for value in row) + "</tr>" for row in rows]
    return "".join(lines) + "</table>"


def mind(texts):
    return "".join(f'<p class="mind">{html.escape(text)}</p>' for text in texts)


def charts(svgs):
    return '<div class="charts">' + "".join(svgs) + "</div>"


def where_text(result):
    where = result["machine"]
    processor = where["processor"]
    return (f"{processor['count']} x {processor['model']}"
            f"{' (virtual machine)' if processor['virtual_machine'] else ''}, "
            f"{where['memory_mib'] // 1024} GiB, kernel {where['kernel']}, "
            f"{where['filesystem']['type']}, commit {(where['commit']['id'] or 'none')[:12]}"
            f"{' with changes' if where['commit']['changed_files'] else ''}, "
            f"{where['millrace']}, {result['date']}")


def whole(title, result, sections, commands):
    """`sections`: (heading, HTML) pairs; `commands` are shown at the end, so that it can be done
    again."""
    body = [f"<h1>{html.escape(title)}</h1>",
            f'<p class="quiet">{html.escape(where_text(result))}</p>']
    for heading, content in sections:
        body.append(f"<h2>{html.escape(heading)}</h2>{content}")
    body.append("<h2>Commands</h2>" + "".join(
        f"<p><code>{html.escape(command)}</code></p>" for command in commands))
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}'
            f'</title><style>{STYLE}</style><body>{"".join(body)}</body></html>\n')
