"""From windows to figures, and the table for people. Every figure is a median with its least and
greatest beside it; ratios are of medians of the same run and never of two runs."""

import statistics

import page
import works

CLIENT_IS_THE_LIMIT = 0.95  # of its core
REGRESSION = 1.3  # so much worse a ratio is more than this noise


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def rounded(figure, digits):
    return {name: round(value, digits) for name, value in figure.items()}


def summary(contest, entry, server, windows):
    """The rate, and the processor time of each request or GiB that went through."""
    by_request = contest.per == "request"

    def amount(window):
        return window["requests_sent"] if by_request else window["bytes"] / (1 << 30)

    return {
        "contest": contest.name, "what": contest.title, "server": entry.server,
        "durability": entry.durability, "signed": entry.signed,
        "connections": contest.connections,
        "rate": {"unit": "requests/s" if by_request else "GiB/s",
                 **rounded(spread([amount(w) / w["seconds"] for w in windows]), 3)},
        "processor": {"unit": "us a request" if by_request else "s a GiB",
                      **rounded(spread([w["server_busy_s"] / amount(w) *
                                        (1e6 if by_request else 1) for w in windows]), 3)},
        # Of one core each: near 1 that side was the limit.
        "server_core": rounded(spread([w["server_busy_s"] / w["seconds"] for w in windows]), 3),
        "client_core": rounded(spread([w["client_busy"] for w in windows]), 3),
        "p50_us": spread([w["p50_us"] for w in windows]),
        "p99_us": spread([w["p99_us"] for w in windows]),
        "server_command": " ".join(server.command), "command": windows[0]["command"],
    }


def reference(contest, windows):
    return {"contest": contest.name, "what": contest.title, "server": works.DISK,
            "durability": "strict", "signed": False, "connections": contest.connections,
            "rate": {"unit": "requests/s",
                     **rounded(spread([w["requests"] / w["seconds"] for w in windows]), 3)},
            "command": windows[0]["command"]}


def listing(what, server, got):
    page_ms = sorted(second * 1000 for second in got["page_s"])
    return {"what": what, "server": server.name, "durability": server.durability,
            "keys": got["keys"], "pages": len(page_ms), "server_s": got["server_busy_s"],
            "page_ms": {"p50": round(statistics.median(page_ms), 2),
                        "p99": round(page_ms[int(len(page_ms) * 0.99)], 2),
                        "max": round(page_ms[-1], 2)},
            "server_command": " ".join(server.command)}


def memory(server, connections, at_rest_kib, before_kib, with_kib):
    return {"what": f"memory with {connections:,} more idle connections", "server": server.name,
            "durability": server.durability, "resident_kib_at_rest": at_rest_kib,
            "resident_kib_before": before_kib, "resident_kib": with_kib,
            "kib_per_connection": round((with_kib - before_kib) / connections, 2),
            "server_command": " ".join(server.command)}


def start(server, taken_ms):
    return {"what": "start to ready", "server": server.name, "durability": server.durability,
            "ms": rounded(spread(taken_ms), 1), "server_command": " ".join(server.command)}


def row_of(results, contest, entry):
    for row in results:
        if (row.get("contest"), row["server"], row["signed"] if "signed" in row else None,
                row["durability"]) == (contest, entry.server, entry.signed, entry.durability):
            return row
    return None


def goals(results):
    """Each goal that this run can say something about."""
    told = []
    for goal in works.GOALS:
        own = row_of(results, goal.contest, goal.own)
        other = row_of(results, goal.contest, goal.other)
        if not own or not other or goal.measure not in own or goal.measure not in other:
            continue
        ratio = own[goal.measure]["median"] / max(other[goal.measure]["median"], 1e-9)
        told.append({"contest": goal.contest, "what": own["what"], "goal": goal.text,
                     "ratio": round(ratio, 3), "met": goal.met(ratio),
                     "client_was_the_limit": goal.measure == "rate" and
                     own["client_core"]["median"] > CLIENT_IS_THE_LIMIT})
    return told


def regressions(then, now):
    """Goals whose ratio has become worse since."""
    before = {(goal["contest"], goal["goal"]): goal for goal in then}
    worse = []
    for goal in now:
        old = before.get((goal["contest"], goal["goal"]))
        if not old:
            continue
        change = goal["ratio"] / max(old["ratio"], 1e-9)
        if "rate at least" in goal["goal"]:
            change = 1 / max(change, 1e-9)
        if change > REGRESSION:
            worse.append(f"{goal['what']} ({goal['goal']}: {old['ratio']} then, "
                         f"{goal['ratio']} now)")
    return worse


def html(result):
    """The whole result as one page."""
    goals_rows = [((goal["what"]), goal["goal"], f"{goal['ratio']:.2f}",
                   ("met", "met") if goal["met"] else ("not met", "missed"),
                   "the client was the limit" if goal["client_was_the_limit"] else "")
                  for goal in result["goals"]]
    load_rows = []
    for row in (row for row in result["results"] if "rate" in row):
        cost = row.get("processor")
        load_rows.append((
            row["what"], row["server"] + (" signed" if row["signed"] else ""), row["durability"],
            f"{spelled(row['rate'])} {row['rate']['unit']}",
            f"{spelled(cost)} {cost['unit']}" if cost else "",
            f"{row['server_core']['median']:.0%}" if cost else "",
            f"{row['client_core']['median']:.0%}" if cost else "",
            f"{row['p99_us']['median'] / 1000:.1f} ms" if cost else ""))
    others = [row for row in result["results"] if "rate" not in row]
    other_rows = []
    for row in others:
        if "page_ms" in row:
            text = (f"{row['server_s']:.2f} s of its core, a page p50 {row['page_ms']['p50']} ms, "
                    f"p99 {row['page_ms']['p99']} ms")
        elif "resident_kib" in row:
            text = (f"{row['resident_kib_at_rest'] / 1024:.1f} MiB at rest, "
                    f"{row['kib_per_connection']} KiB a connection")
        else:
            text = f"{spelled(row['ms'])} ms"
        other_rows.append((row["what"], row["server"], text))
    sections = [
        ("Goals", page.table(("work", "goal", "ratio", "", ""), goals_rows)),
        ("Servers in turn, one core each", page.table(
            ("work", "server", "durability", "rate", "processor", "server's core",
             "client's core", "p99"), load_rows)),
        ("Listings, memory, start", page.table(("work", "server", ""), other_rows)),
        ("To mind", page.mind(
            [*result["skipped"],
             f"Load of the machine before: {result['machine']['load_average_before']:.2f}"]))]
    commands = ["tools/dev bench compare", *sorted(
        {row["server_command"] for row in result["results"] if "server_command" in row})]
    return page.whole("Millrace beside other servers", result, sections, commands)


def plain(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def spelled(figure):
    return f"{plain(figure['median'])} ({plain(figure['min'])} to {plain(figure['max'])})"


def show_load(results):
    work = None
    for row in (row for row in results if "rate" in row):
        if row["what"] != work:
            work = row["what"]
            print(f"\n{work}, {row['connections']} connections")
            print(f"  {'server':<27}{row['rate']['unit']:<30}{'processor':<38}"
                  f"{'server':>7}{'client':>8}{'p99':>11}")
        name = row["server"] + (" signed" if row["signed"] else "")
        if work.startswith(("PUT", "DELETE")):
            name += f" {row['durability']}"
        if "processor" not in row:
            print(f"  {name:<27}{spelled(row['rate'])}")
            continue
        cost = f"{spelled(row['processor'])} {row['processor']['unit']}"
        print(f"  {name:<27}{spelled(row['rate']):<30}{cost:<38}"
              f"{row['server_core']['median']:>7.0%}{row['client_core']['median']:>8.0%}"
              f"{row['p99_us']['median'] / 1000:>8.1f} ms")


def show_others(results):
    for row in results:
        if "page_ms" in row:
            print(f"\n{row['what']}: {row['server']} {row['server_s']:.2f} s of its core for "
                  f"{row['keys']:,} keys; a page p50 {row['page_ms']['p50']} ms, "
                  f"p99 {row['page_ms']['p99']} ms, max {row['page_ms']['max']} ms")
        if "resident_kib" in row:
            print(f"\n{row['what']}: {row['server']} {row['resident_kib_at_rest'] / 1024:.1f} MiB "
                  f"at rest, {row['kib_per_connection']} KiB a connection")
        if "ms" in row:
            print(f"\n{row['what']}: {row['server']} {spelled(row['ms'])} ms")


def show_goals(told):
    if told:
        print("\nGoals")
    for goal in told:
        limited = "; the client was the limit" if goal["client_was_the_limit"] else ""
        print(f"  {'met ' if goal['met'] else 'NOT '} {goal['ratio']:>7.2f}  {goal['what']}: "
              f"{goal['goal']}{limited}")


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
    show_others(result["results"])
    show_goals(result["goals"])
    for reason in result["skipped"]:
        print(f"skipped: {reason}")
