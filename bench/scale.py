"""How Millrace scales: throughput, latency and processor time with 1, 2, 4 ... shards, and with as
many containers of one shard each, fitted with the Universal Scalability Law. Usually called as
`tools/dev bench scale`; writes one HTML file, its charts as SVG, and the figures as JSON."""

import argparse
import collections
import datetime
import json
import os
import pathlib
import resource
import shutil
import statistics
import sys

import load
import machine
import network
import page
import plot
import servers
import usl
import works

CONNECTIONS_A_SHARD = 64
DESCRIPTORS = 65536
CLIENT_LIMIT = 0.95  # of its cores
STOLEN_LIMIT = 0.02  # of the time, by the hypervisor
CLOCK_SPREAD = 0.05

WORKS = {
    "get": works.Contest("get-4k", "GET 4 KiB", "get", (), objects=4000),
    "put": works.Contest("put-4k", "PUT 4 KiB", "put", (), objects=4000),
    "get-large": works.Contest("get-1m", "GET 1 MiB", "get", (), object_bytes=1 << 20,
                               objects=128, per="GiB"),
    "list": works.Contest("list", "LIST", "list", (), object_bytes=64, objects=4000),
}


def steps_to(most):
    """1, 2, 4 ... and the last."""
    steps = [1]
    while steps[-1] * 2 <= most:
        steps.append(steps[-1] * 2)
    return steps if steps[-1] == most else [*steps, most]


def clock_mhz():
    found = [float(line.partition(":")[2]) for line in
             pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("cpu MHz")]
    return statistics.median(found) if found else None


def stolen_seconds():
    first = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
    return int(first[8]) / servers.TICKS_A_SECOND


def siblings(cores):
    """Pairs of these cores that share one."""
    groups = collections.defaultdict(list)
    for core in cores:
        path = pathlib.Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
        if path.exists():
            groups[path.read_text().strip()].append(core)
    return [shared for shared in groups.values() if len(shared) > 1]


class Scale:
    def __init__(self, options):
        self.options = options
        self.cores = sorted(os.sched_getaffinity(0))
        self.warnings = []
        self.clocks = []

    def warn(self, text):
        if text not in self.warnings:
            self.warnings.append(text)
            print(f"mind: {text}", flush=True)

    def split(self, count):
        """The server's cores and the client's."""
        own = tuple(self.cores[:count])
        rest = tuple(self.cores[count:])
        if not rest:
            self.warn(f"at {count} the client shares the server's processors")
            rest = own
        if siblings(own):
            self.warn(f"cores of the server share a sibling: {siblings(own)}")
        if rest != own and any(set(group) & set(own) and set(group) & set(rest) for group in
                               siblings((*own, *rest))):
            self.warn("cores of the server share a sibling with the client's")
        return own, rest

    def window(self, running, contest, own, rest):
        connections = CONNECTIONS_A_SHARD * len(own)
        arguments = load.command(
            running[0], contest, True, "--duration", f"{self.options.window}s", cores=rest,
            endpoint=",".join(server.endpoint for server in running), connections=connections)
        before = servers.core_busy_seconds(own)
        got = load.run(arguments, running[0])
        busy_s = servers.core_busy_seconds(own) - before
        total = got["total"]
        amount = (got["requests_sent"] if contest.per == "request"
                  else (total["bytes_received"] + total["bytes_sent"]) / (1 << 30))
        self.clocks.append(clock_mhz())
        return {"rate": amount / got["window_s"], "p50_us": total["latency_us"]["p50"],
                "p99_us": total["latency_us"]["p99"],
                "processor": None if set(own) & set(rest) else busy_s / amount,
                "client_busy": got["client"]["busy"], "command": " ".join(arguments)}

    def step(self, kind, contest, count):
        own, rest = self.split(count)
        folder = self.options.folder / f"{kind}-{contest.name}-{count}"
        folder.mkdir(parents=True)
        running = []
        try:
            if kind == "shards":
                running = [servers.millrace(folder / "data", self.options.durability, own)]
                running[0].start(folder)
            else:
                servers.create_cluster(folder / "config", folder / "data",
                                       self.options.durability)
                for index, core in enumerate(own):
                    running.append(servers.container(folder / "config", f"c{index + 1}",
                                                     self.options.durability, (core,)))
                    running[-1].start(folder)
            load.make_bucket(running[0])
            if not contest.writes:
                load.prepare(running[0], contest)
            self.window(running, contest, own, rest)  # caches are warm from now on
            windows = [self.window(running, contest, own, rest)
                       for _ in range(self.options.rounds)]
        finally:
            for server in running:
                server.stop()
            shutil.rmtree(folder, ignore_errors=True)
        if statistics.median(w["client_busy"] for w in windows) > CLIENT_LIMIT:
            self.warn(f"the client was the limit: {contest.title}, {kind} {count}")
        print(f"  {contest.title}, {kind} {count}: "
              f"{statistics.median(w['rate'] for w in windows):,.1f} "
              f"{'requests' if contest.per == 'request' else 'GiB'}/s", flush=True)
        return windows

    def curve(self, kind, contest, counts):
        steps = {count: self.step(kind, contest, count) for count in counts}
        found = usl.fit({count: [w["rate"] for w in windows] for count, windows in steps.items()})
        first = statistics.median(w["rate"] for w in steps[counts[0]])
        rows = []
        for count, windows in steps.items():
            rates = [w["rate"] for w in windows]
            costs = [w["processor"] for w in windows if w["processor"] is not None]
            rows.append({
                "count": count, "rate": statistics.median(rates), "rate_min": min(rates),
                "rate_max": max(rates), "efficiency": statistics.median(rates) / (first * count),
                "p50_us": statistics.median(w["p50_us"] for w in windows),
                "p99_us": statistics.median(w["p99_us"] for w in windows),
                "processor": statistics.median(costs) if costs else None,
                "client_busy": statistics.median(w["client_busy"] for w in windows),
                "command": windows[0]["command"]})
        return {"kind": kind, "work": contest.title, "per": contest.per, "steps": rows,
                "usl": found}

    def check_clock(self, stolen_s, wall_s):
        known = [mhz for mhz in self.clocks if mhz]
        if not known:
            self.warn("the processor's clock can't be read here")
        elif max(known) / min(known) > 1 + CLOCK_SPREAD:
            self.warn(f"the clock was not steady: {min(known):.0f} to {max(known):.0f} MHz")
        if stolen_s > STOLEN_LIMIT * wall_s * len(self.cores):
            self.warn(f"the hypervisor took {stolen_s:.1f} s of the run away")


def chart(curve):
    per_request = curve["per"] == "request"
    unit = "requests/s" if per_request else "GiB/s"
    steps = curve["steps"]
    drawn = plot.Chart(f"{curve['work']}: throughput", curve["kind"], unit)
    drawn.add("measured", [(s["count"], s["rate"]) for s in steps],
              whiskers=[(s["count"], s["rate_min"], s["rate_max"]) for s in steps])
    drawn.add("linear", [(s["count"], steps[0]["rate"] * s["count"] / steps[0]["count"])
                         for s in steps], dashed=True)
    if curve["usl"]:
        drawn.add("USL", [(s["count"], usl.predicted(curve["usl"], s["count"])) for s in steps],
                  dashed=True)
    late = plot.Chart(f"{curve['work']}: latency", curve["kind"], "ms")
    late.add("p99", [(s["count"], s["p99_us"] / 1000) for s in steps])
    late.add("p50", [(s["count"], s["p50_us"] / 1000) for s in steps])
    made = {"throughput": drawn.svg(), "latency": late.svg()}
    costs = [(s["count"], s["processor"] * (1e6 if per_request else 1)) for s in steps
             if s["processor"] is not None]
    if costs:
        cost = plot.Chart(f"{curve['work']}: processor time", curve["kind"],
                          "us a request" if per_request else "s a GiB")
        made["processor"] = cost.add("server", costs).svg()
    return made


def law(found):
    if not found:
        return "too few figures for a fit"
    def named(name):
        low, high = found["confidence"][name]
        return f"{name} {found[name]:.4g} ({low:.4g} to {high:.4g})"
    text = f"USL: {named('lambda')}, {named('sigma')}, {named('kappa')}, {found['level']:.0%} " \
           "of resampled rounds"
    if not found["kappa_known"]:
        text += "; with fewer than three steps kappa can't be told from sigma"
    peak = usl.peak(found)
    return text + (f"; the most at {peak:.0f}" if peak else "")


def write(result, folder):
    sections = [("To mind", page.mind(result["warnings"]) or "<p>Nothing.</p>")]
    commands = ["tools/dev bench scale"]
    for curve in result["curves"]:
        made = chart(curve)
        for name, svg in made.items():
            slug = f"{curve['kind']}-{curve['work'].replace(' ', '-').lower()}-{name}"
            (folder / f"{slug}.svg").write_text(svg + "\n")
        per_request = curve["per"] == "request"
        rows = [(s["count"], f"{s['rate']:,.1f}", f"{s['efficiency']:.0%}",
                 f"{s['p50_us'] / 1000:.2f}", f"{s['p99_us'] / 1000:.2f}",
                 "" if s["processor"] is None else
                 f"{s['processor'] * (1e6 if per_request else 1):.2f}",
                 f"{s['client_busy']:.0%}") for s in curve["steps"]]
        sections.append((f"{curve['work']} by {curve['kind']}", page.charts(made.values()) +
                         page.table((curve["kind"], "requests/s" if per_request else "GiB/s",
                                     "of linear", "p50 ms", "p99 ms",
                                     "us a request" if per_request else "s a GiB",
                                     "client busy"), rows) + f"<p>{law(curve['usl'])}</p>"))
        commands.append(curve["steps"][-1]["command"])
    title = f"Millrace: scaling, durability {result['durability']}"
    (folder / "scale.html").write_text(page.whole(title, result, sections, commands))
    (folder / "scale.json").write_text(json.dumps(result, indent=1) + "\n")


def parse_arguments():
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="tools/dev bench scale", description=__doc__)
    parser.add_argument("--shards", type=int, default=max(2, cores // 2), metavar="N",
                        help="at most so many (default: half of the processors, at least 2)")
    parser.add_argument("--containers", type=int, default=max(2, cores // 2), metavar="M",
                        help="likewise; 0: none")
    parser.add_argument("--work", choices=WORKS, action="append",
                        help="default: get and put; may be given several times")
    parser.add_argument("--rounds", type=int, default=5, help="windows of each step")
    parser.add_argument("--window", type=float, default=3, help="seconds of a window")
    parser.add_argument("--durability", default="none", choices=("strict", "data", "none"))
    parser.add_argument("--folder", type=pathlib.Path, help="where data lies meanwhile; emptied",
                        default=servers.ROOT / "build" / "bench-scale")
    parser.add_argument("--out", type=pathlib.Path, help="where the report goes",
                        default=servers.ROOT / "build" / "bench-report")
    options = parser.parse_args()
    if max(options.shards, options.containers) > cores:
        parser.error(f"there are {cores} processors")
    return options


def main():
    options = parse_arguments()
    if not load.TOOL.exists():
        sys.exit("scale: build/release/bench/millrace-bench is missing (tools/dev build)")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(DESCRIPTORS, hard)), hard))
    for folder in (options.folder, options.out):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    options.folder = options.folder.resolve()
    began = datetime.datetime.now(datetime.timezone.utc)
    result = {"date": began.isoformat(timespec="seconds"), "rounds": options.rounds,
              "window_s": options.window, "durability": options.durability,
              "machine": machine.fingerprint(options.folder), "network": network.enter_own()}
    scale = Scale(options)
    stolen_s = stolen_seconds()
    curves = []
    for name in options.work or ("get", "put"):
        curves.append(scale.curve("shards", WORKS[name], steps_to(options.shards)))
        if options.containers:
            curves.append(scale.curve("containers", WORKS[name], steps_to(options.containers)))
    wall_s = (datetime.datetime.now(datetime.timezone.utc) - began).total_seconds()
    scale.check_clock(stolen_seconds() - stolen_s, wall_s)
    result.update(curves=curves, warnings=scale.warnings)
    result = json.loads(json.dumps(result).replace(f"{servers.ROOT}/", ""))
    write(result, options.out)
    for curve in result["curves"]:
        print(f"{curve['work']} by {curve['kind']}: " + ", ".join(
            f"{s['count']}: {s['rate']:,.0f} ({s['efficiency']:.0%})" for s in curve["steps"]) +
            f"\n  {law(curve['usl'])}")
    print(f"report: {options.out / 'scale.html'}")


if __name__ == "__main__":
    main()
