"""Line charts as SVG text, for reports that are one file and for papers."""

import html
import math

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 40, 52
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#64748b")


def nice_ceiling(value):
    if value <= 0:
        return 1.0
    step = 10 ** math.floor(math.log10(value))
    return next(factor * step for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
                if factor * step >= value * 0.999)


def spelled(value):
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


class Chart:
    """Lines over x values that stand at their own places. A line: label, points [(x, y)], and
    optionally dashed and [(x, least, greatest)] as whiskers."""

    def __init__(self, title, x_label, y_label):
        self.title, self.x_label, self.y_label = title, x_label, y_label
        self.lines = []

    def add(self, label, points, dashed=False, whiskers=()):
        self.lines.append((label, points, dashed, whiskers))
        return self

    def svg(self):
        xs = sorted({x for _, points, _, _ in self.lines for x, _ in points})
        top = nice_ceiling(max([y for _, points, _, _ in self.lines for _, y in points] +
                               [most for *_, marks in self.lines for _, _, most in marks]))
        low, high = min(xs), max(xs)
        span = (high - low) or 1

        def place(x, y):
            return (LEFT + (x - low) / span * (WIDTH - LEFT - RIGHT),
                    HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM))

        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                 'font-family="system-ui, sans-serif" font-size="12">',
                 f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
                 f'<text x="{LEFT}" y="22" font-size="15" font-weight="600" fill="#111827">'
                 f'{html.escape(self.title)}</text>']
        for tick in range(5):
            value = top * tick / 4
            _, y = place(low, value)
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                         'stroke="#e5e7eb"/>'
                         f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#4b5563">'
                         f'{spelled(value)}</text>')
        for x in xs:
            at, _ = place(x, 0)
            parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" '
                         f'fill="#4b5563">{spelled(x)}</text>')
        parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" '
                     f'text-anchor="middle" fill="#111827">{html.escape(self.x_label)}</text>'
                     f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
                     f'text-anchor="middle" fill="#111827">{html.escape(self.y_label)}</text>')
        for index, line in enumerate(self.lines):
            parts.extend(self.drawn(index, *line, place))
        return "\n".join(parts + ["</svg>"])

    @staticmethod
    def drawn(index, label, points, dashed, whiskers, place):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        for x, least, most in whiskers:
            at, upper = place(x, most)
            _, lower = place(x, least)
            yield (f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{upper:.1f}" y2="{lower:.1f}" '
                   f'stroke="{colour}"/>')
        if not dashed:
            for x, y in points:
                at, height = place(x, y)
                yield f'<circle cx="{at:.1f}" cy="{height:.1f}" r="3.5" fill="{colour}"/>'
        # At the left, where curves that rise are low.
        yield (f'<text x="{LEFT + 10}" y="{TOP + 12 + 16 * index}" fill="{colour}">'
               f'{html.escape(label)}</text>')
