"""From windows to figures, and the table for people. Every figure is a median with its least and
greatest beside it; ratios are of medians of the same run and never of two runs."""

import statistics


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def rounded(figure, digits):
    return {name: round(value, digits) for name, value in figure.items()}


def summary(work, server, windows):
    """The rate, and processor time for each request or each GiB that the client has read (whole
    answers or not: a window may end in the middle of large ones)."""
    by_request = work.per == "request"

    def amount(window):
        return window["requests"] if by_request else window["bytes"] / (1 << 30)

    return {
        "what": work.title, "server": server.name, "durability": server.durability,
        "signed": server.signed, "connections": work.connections,
        "rate": {"unit": "requests/s" if by_request else "GiB/s",
                 **rounded(spread([amount(w) / w["seconds"] for w in windows]), 3)},
        "processor": {"unit": "us a request" if by_request else "s a GiB",
                      **rounded(spread([w["processor_s"] / amount(w) * (1e6 if by_request else 1)
                                        for w in windows]), 3)},
        # Of one core: near 1 the server was the limit, far below it the client or the disk was.
        "processor_share": rounded(spread([w["processor_s"] / w["seconds"] for w in windows]), 3),
        "p50_us": spread([w["p50_us"] for w in windows]),
        "p99_us": spread([w["p99_us"] for w in windows]),
        "server_command": " ".join(server.command), "command": windows[0]["command"],
    }


def reference(work, windows):
    return {"what": work.title, "server": "the disk alone", "durability": "strict",
            "signed": False, "connections": work.connections,
            "rate": {"unit": "requests/s",
                     **rounded(spread([w["requests"] / w["seconds"] for w in windows]), 3)},
            "command": windows[0]["command"]}


def memory(server, connections, before_kib, with_kib):
    return {"what": f"memory with {connections:,} idle connections", "server": server.name,
            "durability": server.durability, "resident_kib_before": before_kib,
            "resident_kib": with_kib,
            "kib_per_connection": round((with_kib - before_kib) / connections, 2),
            "server_command": " ".join(server.command)}


def start(server, taken_ms):
    return {"what": "start to ready", "server": server.name, "durability": server.durability,
            "ms": rounded(spread(taken_ms), 1), "server_command": " ".join(server.command)}


def plain(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def spelled(figure):
    return f"{plain(figure['median'])} ({plain(figure['min'])} to {plain(figure['max'])})"


def ratios(row, own):
    """What this server needs or gives for each unit of Millrace's."""
    if own is None or own is row:
        return ""
    parts = [f"{row['rate']['median'] / own['rate']['median']:.2f} x rate"]
    if "processor" in row:
        cost = row["processor"]["median"] / max(own["processor"]["median"], 1e-9)
        parts.append(f"{cost:.2f} x processor")
    return ", ".join(parts)


def comparable(row, results):
    """Millrace's row of the same work; for writes that of the same promise."""
    for other in results:
        same_promise = row["what"].startswith("GET") or other["durability"] == row["durability"]
        if other["what"] == row["what"] and other["server"] == "millrace" and same_promise:
            return other
    return None


def show_load(results):
    work = None
    for row in (row for row in results if "rate" in row):
        if row["what"] != work:
            work = row["what"]
            print(f"\n{work}, {row['connections']} connections")
            print(f"  {'server':<26}{row['rate']['unit']:<30}{'processor':<34}{'core':>5}  "
                  "of Millrace's")
        name = row["server"] + (" signed" if row["signed"] else "")
        if work.startswith("PUT"):
            name += f" {row['durability']}"
        cost = row.get("processor")
        cost_text = f"{spelled(cost)} {cost['unit']}" if cost else ""
        share = f"{row['processor_share']['median']:.0%}" if cost else ""
        print(f"  {name:<26}{spelled(row['rate']):<30}{cost_text:<34}{share:>5}  "
              f"{ratios(row, comparable(row, results))}")


def show(result):
    where = result["machine"]
    print(f"\n{where['processor']['count']} x {where['processor']['model']}, "
          f"kernel {where['kernel']}, {where['filesystem']['type']}, "
          f"commit {(where['commit']['id'] or 'none')[:12]}"
          f"{' with changes' if where['commit']['changed_files'] else ''}")
    print(f"median (least to greatest) of {result['rounds']} windows of {result['window_s']} s, "
          "servers in turn")
    if where["load_average_before"] > 0.5:
        print(f"The machine was not idle (load {where['load_average_before']:.1f}): read "
              "processor time, not rates.")
    show_load(result["results"])
    for row in result["results"]:
        if "resident_kib" in row:
            print(f"\n{row['what']}: {row['server']} {row['resident_kib'] / 1024:.1f} MiB, "
                  f"{row['kib_per_connection']} KiB a connection")
        if "ms" in row:
            print(f"\n{row['what']}: {row['server']} {spelled(row['ms'])} ms")
    for reason in result["skipped"]:
        print(f"skipped: {reason}")
