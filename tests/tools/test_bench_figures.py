"""What the benchmarks work out of their windows: the fitted law of scaling, goals, regressions,
charts that are well-formed."""

import pathlib
import sys
import xml.etree.ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench"))

import plot  # noqa: E402
import report  # noqa: E402
import usl  # noqa: E402
import works  # noqa: E402


def law(scale, sigma, kappa):
    return lambda n: scale * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


@pytest.mark.parametrize("scale, sigma, kappa", [
    (1000, 0.05, 0.001), (50_000, 0, 0), (10, 0.3, 0), (700, 0, 0.01)])
def test_the_fit_finds_what_the_figures_were_made_of(scale, sigma, kappa):
    exact = law(scale, sigma, kappa)
    found = usl.fit({n: [exact(n) * (1 + noise) for noise in (-0.01, 0, 0.01)]
                     for n in (1, 2, 4, 8, 16, 32)})
    assert found["lambda"] == pytest.approx(scale, rel=0.02)
    assert found["sigma"] == pytest.approx(sigma, abs=0.01)
    assert found["kappa"] == pytest.approx(kappa, abs=0.0005)
    for name, value in (("lambda", scale), ("sigma", sigma), ("kappa", kappa)):
        low, high = found["confidence"][name]
        assert low - 1e-9 <= value <= high + 1e-9
    assert usl.predicted(found, 8) == pytest.approx(exact(8), rel=0.02)


def test_two_steps_tell_no_kappa():
    found = usl.fit({1: [100, 101], 2: [180, 182]})
    assert found["kappa"] == 0 and not found["kappa_known"] and found["sigma"] > 0
    assert usl.fit({1: [100]})["lambda"] == pytest.approx(100)
    assert usl.peak(found) is None
    assert usl.peak({"lambda": 1, "sigma": 0, "kappa": 0.01}) == pytest.approx(10)


def row(contest, entry, **figures):
    return {"contest": contest, "what": contest, "server": entry.server, "signed": entry.signed,
            "durability": entry.durability, "client_core": {"median": 0.5},
            **{name: {"median": value} for name, value in figures.items()}}


def test_goals_are_ratios_in_their_own_direction():
    own, peer = works.Entry(works.MILLRACE), works.Entry(works.VERSITYGW)
    told = report.goals([row("head", own, rate=1200, processor=1), row("head", peer, rate=100,
                                                                       processor=9),
                         row("put-1m", own, rate=1, processor=2), row("put-1m", peer, rate=1,
                                                                      processor=4)])
    assert [(goal["contest"], goal["ratio"], goal["met"]) for goal in told] == [
        ("head", 12, True), ("put-1m", 0.5, False)]


def test_regressions_are_named_in_their_own_direction():
    def goal(text, ratio):
        return {"contest": "c", "what": "W", "goal": text, "ratio": ratio}
    rate, cost = "a / b: rate at least 8", "a / b: processor at most 0.7"
    assert report.regressions([goal(rate, 10), goal(cost, 0.5)],
                              [goal(rate, 9), goal(cost, 0.6)]) == []
    worse = report.regressions([goal(rate, 10), goal(cost, 0.5)],
                               [goal(rate, 7), goal(cost, 0.7)])
    assert len(worse) == 2 and "10 then, 7 now" in worse[0]
    assert report.regressions([goal(rate, 10), goal(cost, 0.5)],
                              [goal(rate, 30), goal(cost, 0.1)]) == []


def test_charts_are_well_formed():
    chart = plot.Chart("a < b & c", "shards", "requests/s")
    chart.add("measured", [(1, 10), (2, 19), (8, 60)], whiskers=[(1, 9, 11), (2, 18, 20)])
    chart.add("linear", [(1, 10), (8, 80)], dashed=True)
    root = xml.etree.ElementTree.fromstring(chart.svg())
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 3
    flat = plot.Chart("one point", "x", "y").add("only", [(1, 0)])
    xml.etree.ElementTree.fromstring(flat.svg())
