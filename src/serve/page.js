// SPDX-License-Identifier: GPL-2.0-only
/* Draws overview.json, again and again. Names come from anybody who can name a program or a cgroup:
 * they only ever become text. */
"use strict";

const SVG = "http://www.w3.org/2000/svg";
/* An answer that takes longer is none; one after the other, so that a slow link is not flooded. */
const PATIENCE_MS = 10000;
const LEAST_PAUSE_MS = 1000;
const MOST_PAUSE_MS = 10000;

const STRIPS = [
	{ key: "minor", title: "Minor faults", unit: "/s", write: number },
	{ key: "major", title: "Major faults", unit: "/s", write: number },
	{ key: "denied", title: "Denied faults", unit: "/s", write: number },
	{ key: "stalled", title: "Stalled in faults", unit: "/s", write: duration },
];

const byId = (id) => document.getElementById(id);
let paused = false;
let timer = 0;

/* Three digits are enough to compare, and never take more room. */
function number(value) {
	if (value >= 999500)
		return (value / 1e6).toPrecision(3) + "M";
	if (value >= 9999.5)
		return (value / 1e3).toPrecision(3) + "k";
	if (value >= 9.95)
		return Math.round(value).toLocaleString("en");
	return value ? value.toFixed(1) : "0";
}

function duration(seconds) {
	if (seconds >= 0.9995)
		return seconds.toPrecision(3) + " s";
	if (seconds >= 0.00995)
		return Math.round(seconds * 1e3) + " ms";
	return seconds ? Math.max(seconds * 1e3, 0.1).toFixed(1) + " ms" : "0";
}

function bytes(value) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
	let i = 0;

	if (!value)
		return "0";
	for (; value >= 1023.5 && i < units.length - 1; i++)
		value /= 1024;
	return (i && value < 99.95 ? value.toFixed(1) : Math.round(value)) + " " + units[i];
}

function make(name, className, text) {
	const element = document.createElement(name);

	if (className)
		element.className = className;
	if (text !== undefined)
		element.textContent = text;
	return element;
}

function shape(name, attributes) {
	const element = document.createElementNS(SVG, name);

	for (const key in attributes)
		element.setAttribute(key, attributes[key]);
	return element;
}

function span(seconds) {
	return seconds < 120 ? Math.round(seconds) + " s" : Math.round(seconds / 60) + " min";
}

/* Bars from the bottom, the newest at the right edge, as wide as their interval was long. */
function strip(spec, history) {
	const values = history.map((point) => point[spec.key]);
	const seconds = history.reduce((sum, point) => sum + point.seconds, 0);
	/* Until there is more, a minute: the first ticks would be as wide as barn doors. */
	const width = Math.max(seconds, 60);
	const peak = Math.max(0, ...values);
	const now = spec.write(values.length ? values[values.length - 1] : 0) + spec.unit;
	const figure = make("figure");
	const caption = make("figcaption");
	const axis = make("div", "axis");
	const svg = shape("svg", {
		viewBox: `0 0 ${width} 100`, preserveAspectRatio: "none", role: "img",
		"aria-label": `${spec.title} of the last ${span(width)}: now ${now}, ` +
			`at most ${spec.write(peak)}${spec.unit}`,
	});
	let d = "";
	let x = width - seconds;

	history.forEach((point, i) => {
		/* What is not nothing can be seen. */
		const height = values[i] ? Math.max(values[i] / peak * 100, 2) : 0;

		if (height)
			d += `M${x.toFixed(2)} 100v${-height.toFixed(2)}h${point.seconds.toFixed(2)}V100z`;
		x += point.seconds;
	});
	svg.append(shape("path", { class: spec.key, d }));
	caption.append(make("span", "", spec.title), make("strong", "", now));
	axis.append(make("span", "", span(width) + " ago"),
		make("span", "", peak ? `peak ${spec.write(peak)}${spec.unit}` : ""),
		make("span", "", "now"));
	figure.append(caption, svg, axis);
	return figure;
}

function cell(value, text) {
	return make("td", value ? "number" : "number zero", text);
}

function bar(row, most) {
	const td = make("td", "bar");
	const svg = shape("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" });
	const minor = most ? row.minor / most * 100 : 0;
	const major = most ? row.major / most * 100 : 0;

	svg.append(shape("rect", { class: "minor", x: 0, y: 0, height: 1, width: minor }),
		shape("rect", { class: "major", x: minor, y: 0, height: 1, width: major }));
	td.append(svg);
	return td;
}

function line(row, most, more) {
	const tr = make("tr");
	const name = make("th");
	const text = make("bdi", "", row.name);

	name.scope = "row";
	name.title = row.name;
	name.append(text);
	tr.append(name, cell(row.minor, number(row.minor)), bar(row, most),
		cell(row.major, number(row.major)), cell(row.denied, number(row.denied)),
		cell(row.stalled, duration(row.stalled)), ...more);
	return tr;
}

function fill(id, rows, more) {
	const most = Math.max(0, ...rows.map((row) => row.minor + row.major));

	document.querySelector(`#${id} tbody`).replaceChildren(
		...rows.map((row) => line(row, most, more(row))));
}

function draw(overview) {
	byId("host").textContent = overview.host;
	byId("group-by").textContent = overview.group_by;
	byId("version").textContent = "faultmap " + overview.faultmap;
	byId("strips").replaceChildren(...STRIPS.map((spec) => strip(spec, overview.history)));
	fill("groups", overview.groups, (row) => [
		cell(row.resident_bytes, bytes(row.resident_bytes)),
		cell(row.processes, row.processes.toLocaleString("en")),
	]);
	overview.kinds.sort((a, b) => b.minor + b.major + b.denied - a.minor - a.major - a.denied);
	fill("kinds", overview.kinds, () => []);
	document.querySelector("main").hidden = false;
}

function say(text, isLate) {
	byId("state").textContent = text;
	byId("state").className = isLate ? "late" : "";
}

function pauseAfter(overview) {
	const last = overview.history[overview.history.length - 1];

	return Math.min(Math.max(last ? last.seconds * 1000 : 0, LEAST_PAUSE_MS), MOST_PAUSE_MS);
}

async function refresh() {
	let pause = LEAST_PAUSE_MS * 2;

	try {
		const answer = await fetch("overview.json", { signal: AbortSignal.timeout(PATIENCE_MS) });

		if (!answer.ok)
			throw new Error(answer.status === 503 ? "no tick yet" :
				`the answer is ${answer.status}`);
		const overview = await answer.json();

		draw(overview);
		say(`${overview.processes.toLocaleString("en")} processes at ` +
			new Date(overview.ts * 1000).toLocaleTimeString());
		pause = pauseAfter(overview);
	} catch (error) {
		say(`No figures: ${error.message}; trying again`, true);
	}
	if (!paused)
		timer = setTimeout(refresh, pause);
}

byId("pause").addEventListener("click", () => {
	paused = !paused;
	clearTimeout(timer);
	byId("pause").textContent = paused ? "Go on" : "Pause";
	byId("pause").setAttribute("aria-pressed", String(paused));
	if (!paused)
		refresh();
});
byId("pause").hidden = false;
refresh();
