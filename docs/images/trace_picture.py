#!/usr/bin/env python3
"""Draws a GORS_TRACE file: a track for each worker, a box for each run of a goroutine.

    docs/images/trace_picture.py TRACE.json > PICTURE.svg
"""
import html
import json
import sys

COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#edc948", "#9c755f"]
LEFT, WIDTH, HEIGHT, GAP = 80, 860, 30, 16

events = json.load(open(sys.argv[1]))
tracks = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M" and e["tid"] != 0}
slices, open_slices, colours, arrows, begun = [], {}, {}, [], {}
for e in events:
    if e["ph"] == "B":
        open_slices[e["tid"]] = e
    elif e["ph"] == "E" and e["tid"] in open_slices:
        start = open_slices.pop(e["tid"])
        slices.append((e["tid"], start["name"], start["ts"], e["ts"], e["args"]["end"]))
    elif e["ph"] == "s" and e["tid"] != 0:
        begun[e["id"]] = e
    elif e["ph"] == "f" and e["id"] in begun:
        arrows.append((begun.pop(e["id"]), e))

first = min(s[2] for s in slices)
last = max(s[3] for s in slices)
used = sorted({s[0] for s in slices})


def x(ts):
    return LEFT + (ts - first) * WIDTH / (last - first)


def y(track):
    return 24 + used.index(track) * (HEIGHT + GAP)


bottom = y(used[-1]) + HEIGHT
names = sorted({s[1] for s in slices})
total = bottom + 44 + 18 * ((len(names) + 3) // 4)
out = [
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {total}" '
    'font-family="sans-serif" font-size="12">',
    f'<rect width="100%" height="100%" fill="white"/>',
]
for track in used:
    out.append(f'<text x="8" y="{y(track) + 20}">{html.escape(tracks[track])}</text>')
    out.append(f'<rect x="{LEFT}" y="{y(track)}" width="{WIDTH}" height="{HEIGHT}" fill="#f0f0f0"/>')
for track, name, start, end, why in slices:
    colour = COLOURS[names.index(name) % len(COLOURS)]
    title = html.escape(f"{name}: {(end - start) / 1000:.2f} ms, then {why}")
    out.append(
        f'<rect x="{x(start):.2f}" y="{y(track)}" width="{max(x(end) - x(start), 0.6):.2f}" '
        f'height="{HEIGHT}" fill="{colour}"><title>{title}</title></rect>'
    )
for start, end in arrows:
    (x1, y1), (x2, y2) = (x(start["ts"]), y(start["tid"]) + HEIGHT / 2), (x(end["ts"]), y(end["tid"]) + HEIGHT / 2)
    if y1 != y2:
        out.append(f'<line x1="{x1:.2f}" y1="{y1}" x2="{x2:.2f}" y2="{y2}" stroke="#333" stroke-width="0.7"/>')
step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if (last - first) / 1000 / s <= 12)
for i in range(int((last - first) / 1000 / step) + 1):
    at = x(first + i * step * 1000)
    out.append(f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle" fill="#555">{i * step:g} ms</text>')
for i, name in enumerate(names):
    at = LEFT + (i % 4) * 215
    line = bottom + 36 + 18 * (i // 4)
    out.append(f'<rect x="{at}" y="{line - 9}" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>')
    out.append(f'<text x="{at + 15}" y="{line}">{html.escape(name)}</text>')
out.append("</svg>")
print("\n".join(out))
