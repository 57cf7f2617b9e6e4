"""The result as Markdown and as a plot."""
import os
import platform
import statistics


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory = int(f.readline().split()[1]) / 1024 / 1024
    return f"{os.cpu_count()} CPUs ({model}), {memory:.0f} GiB, Linux {platform.release().split('-')[0]}"


def amount(value, unit):
    return f"{value:,.1f}{unit}" if unit == " µs" else f"{value:,.0f}{unit}"


def line(result):
    row, ratios = result.row, result.ratios()
    floor = "–" if row.floor is None else f"{'≤' if row.at_most else '≥'} {row.floor:g}"
    holds = "–" if row.floor is None else ("yes" if result.holds() else "**no**")
    reference_cpu, node_cpu = result.median(lambda r: r.reference_cpu_us), result.median(lambda r: r.node_cpu_us)
    cpu = f"{reference_cpu:.2f} / {node_cpu:.2f}" if node_cpu and row.kind != "registration" else "–"
    return (f"| {row.name} | {row.reference} {amount(result.median(lambda r: r.reference), row.unit)} | "
            f"{amount(result.median(lambda r: r.node), row.unit)} | {ratios[0]:.2f} / **{statistics.median(ratios):.2f}** / "
            f"{ratios[-1]:.2f} | {floor} | {holds} | {cpu} | {result.quiet} of {len(ratios)} |")


def markdown(results, skipped, lines, where, options, seconds):
    out = [f"{where}; {options.keys:,} identifiers; rounds of {options.seconds:g} s; {seconds:.0f} s in all.", "",
           "| row | reference, median | node, median | ratio min / **median** / max | floor | holds | server CPU µs each, "
           "reference / node | quiet rounds |", "|---|---|---|---|---|---|---|---|"]
    out += [line(result) for result in results]
    for reason in skipped:
        out += ["", f"SKIP {reason}"]
    measured = [r for r in results if r.row.floor is not None]
    disturbed = sum(r.quiet < len(r.rounds) for r in results)
    out += ["", f"compare: rows={len(results)} floors={len(measured)} held={sum(r.holds() for r in measured)} "
                f"skipped={len(skipped)} disturbed={disturbed} access_lines={lines['written']} access_lines_dropped={lines['dropped']}"]
    return "\n".join(out)


BAR, LEFT, WIDTH, RIGHT = 22, 270, 460, 90


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def bar(result, at, most):
    ratios = result.ratios()
    median = statistics.median(ratios)
    place = lambda value: LEFT + WIDTH * min(value, most) / most  # noqa: E731
    color = "#3a7d44" if result.holds() else "#b3392f"
    out = [f'<text x="{LEFT - 8}" y="{at + 15}" text-anchor="end">{escape(result.row.name)}</text>',
           f'<rect x="{LEFT}" y="{at + 3}" width="{place(median) - LEFT:.1f}" height="{BAR - 8}" fill="{color}"/>',
           f'<line x1="{place(ratios[0]):.1f}" x2="{place(ratios[-1]):.1f}" y1="{at + 10}" y2="{at + 10}" stroke="#222"/>',
           f'<text x="{max(place(median), place(ratios[-1])) + 6:.1f}" y="{at + 15}">{median:.2f}</text>']
    if result.row.floor is not None:
        x = place(result.row.floor)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{at}" y2="{at + BAR - 2}" stroke="#d98e04" stroke-width="2"/>')
    return out


def svg(results):
    """One bar a row: the median ratio to the reference, a line from least to greatest, a mark at the floor."""
    height = 60 + BAR * len(results)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" font-family="sans-serif" '
           'font-size="12">', f'<rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="8" y="20" font-size="14">node to reference; mark: floor (registration: ceiling; bars are scaled)</text>']
    for i, result in enumerate(results):
        # Ratios of costs have their own scale.
        most = max([result.ratios()[-1], result.row.floor or 0]) * 1.15 if result.row.at_most else max(
            1.0, *(r.ratios()[-1] for r in results if not r.row.at_most))
        out += bar(result, 34 + i * BAR, most)
    out += ["</svg>", ""]
    return "\n".join(out)
