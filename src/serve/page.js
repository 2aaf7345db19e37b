// SPDX-License-Identifier: GPL-2.0-only
/* Draws overview.json, or group.json of the group that is open, again and again. What is shown (the
 * group, the order, the search, the period) is in the URL's fragment and nowhere else, so that a
 * link shows the same. Names come from anybody who can name a program or a cgroup: they only ever
 * become text. */
"use strict";

const SVG = "http://www.w3.org/2000/svg";
/* An answer that takes longer is a failure. One request at a time, so that a slow link is not flooded. */
const PATIENCE_MS = 10000;
const LEAST_PAUSE_MS = 1000;
const MOST_PAUSE_MS = 10000;
/* Typing counts as finished after this time. */
const TYPING_MS = 250;

/* The columns of all tables, by the names that figures have in JSON; class: its colour. */
const COLUMNS = {
	name: { title: "Name" },
	minor: { title: "Minor", rate: true, write: number },
	major: { title: "Major", rate: true, write: number },
	denied: { title: "Denied", rate: true, write: number },
	stalled: { title: "Stalled", rate: true, write: duration },
	resident_bytes: { title: "Resident", write: bytes },
	processes: { title: "Processes", write: number },
	virtual_bytes: { title: "Virtual", write: bytes },
	pages: { title: "Pages", write: number },
};
const FAULTS = ["minor", "major", "denied"];
const GROUP_COLUMNS = [...FAULTS, "stalled", "resident_bytes", "processes"];
const DEFAULTS = { group: "", sort: "minor", search: "", period: "recent" };
const STRIPS = { minor: "Minor faults", major: "Major faults", denied: "Denied faults", stalled: "Stalled" };

/* The panels of an open group. make() fills the element once; it returns a function that updates the
 * element from group.json's object (isTotal: figures since the group is counted, otherwise recent
 * ones) and returns a note. A new panel is a new line here. */
const PANELS = [
	{ id: "group-kinds", title: "Kinds", make: makeKinds },
	{ id: "group-mappings", title: "Mappings", make: makeMappings },
	{ id: "group-stalls", title: "How long they stalled", make: makeStalls },
];

const byId = (id) => document.getElementById(id);
let view = readView();
let paused = false;
let timer = 0;
let turn = 0; /* number of the newest request: answers to older ones are ignored */
let failures = 0; /* in a row */
let shownAt = ""; /* the time of what is shown */
let intervalMs = LEAST_PAUSE_MS;
let answers = null; /* the newest: overview and, where one is open, group, null when there is none */

/* Three digits are enough to compare, and fit each column. */
function number(value) {
	if (value >= 999.5e6)
		return (value / 1e9).toPrecision(3) + "G";
	if (value >= 999.5e3)
		return (value / 1e6).toPrecision(3) + "M";
	if (value >= 9999.5)
		return (value / 1e3).toPrecision(3) + "k";
	if (value >= 9.95 || Number.isInteger(value))
		return Math.round(value).toLocaleString("en");
	return value >= 0.095 ? value.toFixed(1) : String(Number(value.toPrecision(1)));
}

function duration(seconds) {
	if (seconds >= 999.5)
		return Math.round(seconds).toLocaleString("en") + " s";
	if (seconds >= 0.9995)
		return seconds.toPrecision(3) + " s";
	if (seconds >= 0.9995e-3)
		return (seconds * 1e3).toPrecision(3) + " ms";
	if (seconds >= 0.9995e-6)
		return (seconds * 1e6).toPrecision(3) + " µs";
	return seconds ? Math.round(seconds * 1e9) + " ns" : "0";
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

function span(seconds) {
	if (seconds < 120)
		return Math.round(seconds) + " s";
	return seconds < 7200 ? Math.round(seconds / 60) + " min" : Math.round(seconds / 3600) + " h";
}

function time(seconds) {
	const date = new Date(seconds * 1000);
	const isToday = date.toDateString() === new Date().toDateString();

	return isToday ? date.toLocaleTimeString() : date.toLocaleString();
}

function many(count, word, words = word + "s") {
	return `${count.toLocaleString("en")} ${count === 1 ? word : words}`;
}

function titleOf(key, isTotal) {
	return COLUMNS[key].title + (COLUMNS[key].rate && !isTotal ? "/s" : "");
}

function make(name, className, ...children) {
	const element = document.createElement(name);

	if (className)
		element.className = className;
	element.append(...children);
	return element;
}

function shape(name, attributes) {
	const element = document.createElementNS(SVG, name);

	for (const key in attributes)
		element.setAttribute(key, attributes[key]);
	return element;
}

/* Leaves unchanged text alone, so that a selection in it is not lost. */
function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

/* For screen readers: something has changed. */
function announce(text) {
	byId("announcement").textContent = text;
}

/* --- The fragment --- */

function readView() {
	const found = new URLSearchParams(location.hash.slice(1));
	const result = { ...DEFAULTS };

	for (const key in DEFAULTS)
		if (found.get(key))
			result[key] = found.get(key);
	if (result.sort !== "name" && !GROUP_COLUMNS.includes(result.sort))
		result.sort = DEFAULTS.sort;
	if (result.period !== "total")
		result.period = DEFAULTS.period;
	return result;
}

/* Only what differs from the default; "#" alone for the page as it is without one. */
function fragmentOf(changes) {
	const wanted = { ...view, ...changes };
	const result = new URLSearchParams();

	for (const key in DEFAULTS)
		if (wanted[key] !== DEFAULTS[key])
			result.set(key, wanted[key]);
	return "#" + result;
}

function setView(changes) {
	history.replaceState(null, "", fragmentOf(changes));
	view = readView();
	draw(); /* with the answers so far; others come in a moment */
	return refresh();
}

/* --- Tables --- */

/* As the JSON orders groups: the largest first, names by the alphabet. */
function sortRows(rows, sort) {
	const byName = (a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

	return [...rows].sort((a, b) => (sort === "name" ? 0 : b[sort] - a[sort]) || byName(a, b));
}

/* Sorts the lines. The line with the focus is not moved: it would lose the focus. */
function arrange(body, lines) {
	const fixed = lines.find((line) => line.contains(document.activeElement));
	let isBefore = Boolean(fixed);

	if (lines.length === body.children.length && lines.every((line, i) => line === body.children[i]))
		return;
	for (const line of [...body.children])
		if (!lines.includes(line))
			line.remove();
	for (const line of lines) {
		if (line === fixed)
			isBefore = false;
		else
			body.insertBefore(line, isBefore ? fixed : null);
	}
}

/* One tab stop for all links of the table, the arrow keys from there. */
function moveFocus(event) {
	const links = [...event.currentTarget.querySelectorAll("a")];
	const at = links.indexOf(document.activeElement);
	const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];

	if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey)
		return;
	event.preventDefault();
	links[Math.min(Math.max(to, 0), links.length - 1)].focus();
}

function keepOneTabStop(body) {
	const links = [...body.querySelectorAll("a")];
	const stop = links.find((link) => link === document.activeElement) ||
		links.find((link) => link.tabIndex === 0) || links[0];

	for (const link of links)
		link.tabIndex = link === stop ? 0 : -1;
}

class Table {
	/* columns beside the name; linkOf(row): where its name leads, if anywhere. */
	constructor(place, label, nameTitle, columns, linkOf) {
		this.columns = columns;
		this.linkOf = linkOf;
		this.lines = new Map(); /* by name */
		this.heads = {};
		this.body = make("tbody");
		this.foot = make("tfoot");
		this.table = make("table", "", make("thead", "", this.makeHead(nameTitle)), this.body, this.foot);
		this.scroll = make("div", "scroll", this.table);
		this.scroll.tabIndex = 0;
		this.scroll.setAttribute("role", "region");
		this.scroll.setAttribute("aria-label", label);
		this.table.setAttribute("aria-label", label);
		if (linkOf)
			this.body.addEventListener("keydown", moveFocus);
		this.body.addEventListener("focusin", () => keepOneTabStop(this.body));
		place.append(this.scroll);
	}

	makeHead(nameTitle) {
		const line = make("tr");

		for (const key of ["name", ...this.columns]) {
			const button = make("button", "", key === "name" ? nameTitle : "");
			const head = make("th", key === "name" ? "" : "number", button);

			button.type = "button";
			button.addEventListener("click", () => {
				setView({ sort: key });
				announce(`sorted by ${button.textContent}`);
			});
			head.scope = "col";
			this.heads[key] = head;
			line.append(head);
			if (key === "name") {
				this.barHead = make("th", "bar");
				this.barTitle = this.barHead.appendChild(make("span", "hidden"));
				this.barHead.scope = "col";
				line.append(this.barHead);
			}
		}
		return line;
	}

	makeLine(row) {
		const name = make("th", "", this.linkOf ? make("a", "", make("bdi")) : make("bdi"));
		const svg = shape("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" });
		const line = make("tr", "", name, make("td", "bar", svg));

		name.scope = "row";
		name.title = row.name;
		setText(name.querySelector("bdi"), row.name);
		svg.append(shape("rect", { x: 0, y: 0, height: 1, width: 0 }));
		for (const key of this.columns)
			line.append(make("td", "number"));
		return line;
	}

	fillLine(line, row, sort, most) {
		const rect = line.querySelector("rect");

		if (this.linkOf && line.parentNode !== this.foot)
			line.querySelector("a").setAttribute("href", this.linkOf(row));
		rect.setAttribute("class", sort);
		rect.setAttribute("width", most ? row[sort] / most * 100 : 0);
		this.columns.forEach((key, i) => {
			const cell = line.children[i + 2];

			setText(cell, COLUMNS[key].write(row[key]));
			cell.dataset.value = row[key];
			cell.classList.toggle("zero", !row[key]);
		});
	}

	/* rest: the sum of rows without a line, or null; note: the text of an empty table. */
	update(rows, isTotal, rest, note) {
		const sort = view.sort === "name" || this.columns.includes(view.sort) ? view.sort : DEFAULTS.sort;
		const measure = sort === "name" ? DEFAULTS.sort : sort;
		const most = Math.max(0, ...rows.map((row) => row[measure]));
		const wanted = new Set(rows.map((row) => row.name));

		for (const key in this.heads) {
			this.heads[key].setAttribute("aria-sort", key !== sort ? "none" :
				key === "name" ? "ascending" : "descending");
			if (key !== "name")
				setText(this.heads[key].firstChild, titleOf(key, isTotal));
		}
		setText(this.barTitle, `${titleOf(measure, isTotal)} beside the others`);
		for (const name of this.lines.keys())
			if (!wanted.has(name))
				this.lines.delete(name);
		const lines = sortRows(rows, sort).map((row) => {
			if (!this.lines.has(row.name))
				this.lines.set(row.name, this.makeLine(row));
			this.fillLine(this.lines.get(row.name), row, measure, most);
			return this.lines.get(row.name);
		});
		this.showRest(rest, measure, most);
		arrange(this.body, lines.length ? lines : [this.emptyLine(note)]);
		keepOneTabStop(this.body);
	}

	emptyLine(note) {
		const cell = make("td", "", note);

		cell.colSpan = this.columns.length + 2;
		return make("tr", "", cell);
	}

	showRest(rest, measure, most) {
		if (!rest) {
			this.foot.replaceChildren();
			return;
		}
		const line = this.makeLine(rest);

		line.querySelector("th").replaceChildren(rest.name);
		this.foot.replaceChildren(line);
		this.fillLine(line, rest, measure, Math.max(most, rest[measure]));
	}
}

/* --- All groups --- */

/* Bars from the bottom, the newest at the right edge, as wide as their interval was long. */
function strip(key, history) {
	const write = COLUMNS[key].write;
	const values = history.map((point) => point[key]);
	const seconds = history.reduce((sum, point) => sum + point.seconds, 0);
	/* At least a minute wide: the first ticks would be very broad otherwise. */
	const width = Math.max(seconds, 60);
	const peak = Math.max(0, ...values);
	const now = write(values.length ? values[values.length - 1] : 0) + "/s";
	const svg = shape("svg", {
		viewBox: `0 0 ${width} 100`, preserveAspectRatio: "none", role: "img",
		"aria-label": `${STRIPS[key]} of the last ${span(width)}: now ${now}, ` +
			`at most ${write(peak)}/s`,
	});
	let d = "";
	let x = width - seconds;

	history.forEach((point, i) => {
		/* Everything above 0 can be seen. */
		const height = values[i] ? Math.max(values[i] / peak * 100, 2) : 0;

		if (height)
			d += `M${x.toFixed(2)} 100v${-height.toFixed(2)}h${point.seconds.toFixed(2)}V100z`;
		x += point.seconds;
	});
	svg.append(shape("path", { class: key, d }));
	return make("figure", "",
		make("figcaption", "", make("span", "", STRIPS[key]), make("strong", "", now)), svg,
		make("div", "axis", make("span", "", span(width) + " ago"),
			make("span", "", peak ? `peak ${write(peak)}/s` : ""), make("span", "", "now")));
}

const groupTable = new Table(byId("groups"), "Groups", "Group", GROUP_COLUMNS,
	(row) => fragmentOf({ group: row.name }));
const kindTable = new Table(byId("kinds"), "Kinds", "Kind", [...FAULTS, "stalled"]);

/* A finding stays for a while: its line is kept, and only changed text is written. */
const findingLines = new Map(); /* by name, process and mapping */

function makeFinding() {
	const parts = ["name", "sure", "who", "ago"].map((part) => make(part === "name" ? "strong" : "span", part));
	const line = make("li", "", make("p"), make("p", "seen"), make("p", "do", make("strong", "", "Do: "), make("span")));

	for (const part of parts)
		line.firstChild.append(part, " ");
	return line;
}

function costOf(finding) {
	const costs = [finding.cost_seconds && duration(finding.cost_seconds) + " of stall",
		finding.cost_bytes && bytes(finding.cost_bytes)].filter(Boolean);

	return costs.length ? `; cost ${costs.join(", ")}` : "";
}

function fillFinding(line, finding) {
	const who = finding.pid ? `${finding.comm}[${finding.pid}]` : "all processes";
	const texts = {
		".name": finding.name,
		".sure": `(${finding.sure})`,
		".who": [who, finding.mapping].filter(Boolean).join(", "),
		".ago": finding.seconds_ago >= 1 ? `${span(finding.seconds_ago)} ago` : "now",
		".seen": finding.seen + costOf(finding),
		".do span": finding.do,
	};

	for (const part in texts)
		setText(line.querySelector(part), texts[part]);
}

function drawFindings(findings) {
	const seen = new Map();
	const known = new Set(findingLines.keys());
	const lines = findings.map((finding) => {
		const what = [finding.name, finding.pid, finding.mapping].join("\n");
		const key = what + (seen.get(what) || "");

		seen.set(what, (seen.get(what) || 0) + 1);
		if (!known.delete(key)) {
			findingLines.set(key, makeFinding());
			announce(`Finding: ${finding.name}, ${finding.comm}`);
		}
		fillFinding(findingLines.get(key), finding);
		return findingLines.get(key);
	});

	for (const key of known)
		findingLines.delete(key);
	arrange(byId("findings"), lines);
	byId("findings-box").hidden = !lines.length;
}

function noteOnGroups(overview) {
	const shown = overview.groups.length;

	return `by ${overview.group_by}, of the last ${span(overview.seconds)}: ` +
		(shown < overview.found ? `the first ${shown} by ${titleOf(overview.sort)} of ` : "") +
		many(overview.found, "group");
}

/* Draws the first profile, and again when asked: a new graph loses the reader's zoom. */
function drawFlame() {
	byId("flame-graph").src = "flame.html?seconds=60";
}

function showFlame(isThere) {
	if (isThere && byId("flame").hidden)
		drawFlame();
	byId("flame").hidden = !isThere;
}

function drawAll(overview) {
	const rest = overview.other;
	const isRest = rest.groups || GROUP_COLUMNS.some((key) => rest[key]);

	setText(byId("host"), overview.host);
	setText(byId("version"), "faultmap " + overview.faultmap);
	byId("strips").replaceChildren(...Object.keys(STRIPS).map((key) => strip(key, overview.history)));
	drawFindings(overview.findings);
	setText(byId("groups-note"), noteOnGroups(overview));
	setText(byId("kinds-note"), `of the last ${span(overview.seconds)}`);
	groupTable.update(overview.groups, false,
		isRest ? { ...rest, name: `everything else (${many(rest.groups, "group")})` } : null,
		view.search ? "No group has a name that contains this." : "No group yet.");
	kindTable.update(overview.kinds, false, null, "No faults.");
	showFlame(overview.flame);
	say(`${many(overview.processes, "process", "processes")} at ${time(overview.ts)}`);
}

/* --- One group --- */

/* Recent figures, or totals, under the same names. */
function figuresOf(object, isTotal) {
	const result = { ...object };

	if (isTotal)
		for (const key of [...FAULTS, "stalled", "pages"])
			result[key] = object[key + "_total"];
	return result;
}

function makeKinds(place) {
	const table = new Table(place, "Kinds", "Kind", FAULTS);

	return (group, isTotal) => {
		table.update(group.kinds.map((kind) => figuresOf(kind, isTotal)), isTotal, null, "No faults.");
		return "";
	};
}

function makeMappings(place) {
	const table = new Table(place, "Mappings", "Mapping", FAULTS);

	return (group, isTotal) => {
		table.scroll.hidden = !group.mappings;
		if (!group.mappings)
			return "not counted: --mappings none";
		table.update(group.mappings.map((mapping) => figuresOf(mapping, isTotal)), isTotal, null, "No faults.");
		return "mappings with series of their own (--mappings); other is the rest";
	};
}

/* The bound that this part of the faults stays below; "" if that is above the last bound. */
function quantile(stalls, bounds, share) {
	const wanted = stalls.reduce((sum, count) => sum + count, 0) * share;
	let sum = 0;
	const at = stalls.findIndex((count) => (sum += count) >= wanted);

	return at < bounds.length ? `${share * 100} % at most ${duration(bounds[at])}` : "";
}

function makeStalls(place) {
	const body = make("tbody");
	const head = (title, className) => {
		const result = make("th", className, title);

		result.scope = "col";
		return result;
	};
	const table = make("table", "", make("thead", "", make("tr", "", head("Up to", "number"),
		head(make("span", "hidden", "Share"), "bar"), head("Faults", "number"))), body);

	table.setAttribute("aria-label", "How long faults stalled");
	place.append(make("div", "scroll narrow", table));
	return (group, isTotal) => {
		const bounds = group.stalls.bounds;
		const stalls = group.stalls[isTotal ? "total" : "recent"];
		const first = stalls.findIndex((count) => count);
		const last = stalls.findLastIndex((count) => count);
		const most = Math.max(...stalls);

		table.hidden = first < 0;
		body.replaceChildren(...stalls.slice(Math.max(first, 0), last + 1).map((count, i) => {
			const bound = bounds[first + i];
			const svg = shape("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" });
			const title = make("th", "number", bound ? duration(bound) : "longer");
			const cell = make("td", "number", number(count));

			title.scope = "row";
			cell.dataset.value = count;
			svg.append(shape("rect", { class: "stalled", x: 0, y: 0, height: 1, width: count / most * 100 }));
			return make("tr", "", title, make("td", "bar", svg), cell);
		}));
		if (first < 0)
			return "no faults were timed; --detail full times all faults, fast only those that may wait";
		return ["of the timed faults", quantile(stalls, bounds, 0.5),
			quantile(stalls, bounds, 0.99)].filter(Boolean).join(", ");
	};
}

const panels = PANELS.map((panel) => {
	const title = make("h3", "", panel.title + " ");
	const note = title.appendChild(make("span", "note"));
	const body = make("div");
	const section = make("section", "", title, body);

	title.id = panel.id;
	byId("panels").append(section);
	return { note, update: panel.make(body) };
});

const periodButtons = ["recent", "total"].map((period) => {
	const button = make("button");

	button.type = "button";
	button.addEventListener("click", () => setView({ period }));
	byId("periods").append(button);
	return button;
});

function tile(key, group, isTotal) {
	const value = make("dd", "", COLUMNS[key].write(group[key]));

	value.dataset.value = group[key];
	return make("div", "", make("dt", "", titleOf(key, isTotal)), value);
}

function aboutGroup(group) {
	const unit = group.container;

	return [`by ${group.group_by}`, unit && unit.container_id && `${unit.runtime} ${unit.container_id}`,
		unit && unit.pod_uid && `pod ${unit.pod_uid}`,
		group.name === "other" && "all groups without series of their own"].filter(Boolean).join(", ");
}

function otherLink() {
	const link = make("a", "", "the group other");

	link.setAttribute("href", fragmentOf({ group: "other" }));
	return link;
}

function drawNone() {
	setText(byId("about"), "This group no longer exists.");
	byId("tiles").replaceChildren();
	byId("panels").hidden = byId("periods").hidden = true;
}

function drawOne(group) {
	if (!group) {
		drawNone();
		return;
	}
	const hasSeries = Boolean(group.kinds);
	const isTotal = hasSeries && view.period === "total";
	const stalled_total = hasSeries ? group.stalls.seconds_total : 0;
	const figures = figuresOf({ ...group, stalled_total }, isTotal);
	const keys = isTotal ? [...GROUP_COLUMNS, "virtual_bytes", "pages"] : [...GROUP_COLUMNS, "virtual_bytes"];

	setText(periodButtons[0], `Last ${span(group.seconds)}`);
	setText(periodButtons[1], hasSeries ? `Since ${time(group.since)}` : "");
	periodButtons.forEach((button, i) => {
		button.setAttribute("aria-pressed", String(isTotal === (i === 1)));
		button.hidden = i === 1 && !hasSeries;
	});
	setText(byId("about"), aboutGroup(group));
	if (!hasSeries)
		byId("about").append(". It has no series of its own (--max-series): its kinds, mappings and stalls are in ",
			otherLink(), ".");
	byId("tiles").replaceChildren(...keys.map((key) => tile(key, figures, isTotal)));
	byId("panels").hidden = !hasSeries;
	byId("periods").hidden = false;
	if (hasSeries)
		for (const panel of panels)
			setText(panel.note, panel.update(group, isTotal));
	say(`as of ${time(group.ts)}`);
}

function draw() {
	const group = answers?.group;

	if (!answers || (view.group && group && group.name !== view.group))
		return;
	drawAll(answers.overview);
	if (view.group)
		drawOne(group);
	byId("all").hidden = Boolean(view.group);
	byId("one").hidden = !view.group;
}

/* --- What is asked for, and when --- */

function say(text, isLate) {
	setText(byId("state"), text);
	byId("state").className = isLate ? "late" : "";
}

function reason(error) {
	if (error.name === "TimeoutError")
		return `no answer within ${PATIENCE_MS / 1000} s`;
	return error instanceof TypeError ? "faultmap cannot be reached" : error.message;
}

async function ask(path) {
	const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });

	if (answer.status === 404)
		return null;
	if (answer.status === 503)
		throw new Error("no tick yet");
	if (!answer.ok)
		throw new Error(`the answer is ${answer.status}`);
	return answer.json();
}

function askOverview() {
	const wanted = new URLSearchParams({ sort: view.sort });

	if (view.search)
		wanted.set("search", view.search);
	return ask("overview.json?" + wanted);
}

function tellFailure(error) {
	const text = `No figures${shownAt ? ` since ${shownAt}` : ""}: ${reason(error)}; trying again`;

	if (!failures++)
		announce(text);
	say(text, true);
}

async function refreshOnce(mine) {
	const overview = await askOverview();
	const group = view.group ? await ask("group.json?" + new URLSearchParams({ name: view.group })) : null;
	const last = overview.history[overview.history.length - 1];

	if (mine !== turn)
		return;
	answers = { overview, group };
	draw();
	intervalMs = last ? last.seconds * 1000 : 0;
	shownAt = time(overview.ts);
	if (failures)
		announce("Figures are up to date again");
	failures = 0;
}

/* The next request follows this one, or comes at once if something else is to be shown. */
async function refresh() {
	const mine = ++turn;

	clearTimeout(timer);
	try {
		await refreshOnce(mine);
	} catch (error) {
		if (mine === turn)
			tellFailure(error);
	}
	if (mine !== turn || paused || document.hidden)
		return;
	timer = setTimeout(refresh, Math.min(MOST_PAUSE_MS, failures ? LEAST_PAUSE_MS * 2 ** failures :
		Math.max(intervalMs, LEAST_PAUSE_MS)));
}

/* After a link, Back or Forward. */
function applyView() {
	const before = view;

	view = readView();
	byId("search").value = view.search;
	byId("home").href = fragmentOf(DEFAULTS);
	byId("back").href = fragmentOf({ group: "", period: DEFAULTS.period });
	setText(byId("name"), view.group);
	document.title = (view.group ? view.group + " – " : "") + "faultmap";
	refresh().then(() => {
		if (view.group && view.group !== before.group)
			byId("name").focus();
		else if (before.group && !view.group)
			(groupTable.lines.get(before.group)?.querySelector("a") || byId("search")).focus();
	});
}

function setPaused(isPaused) {
	paused = isPaused;
	setText(byId("pause"), paused ? "Resume" : "Pause");
	byId("pause").setAttribute("aria-pressed", String(paused));
	clearTimeout(timer);
	if (!paused)
		refresh();
}

let typing = 0;
byId("search").addEventListener("input", () => {
	clearTimeout(typing);
	typing = setTimeout(async () => {
		await setView({ search: byId("search").value });
		announce(`${many(answers.overview.found, "group")} found`);
	}, TYPING_MS);
});
byId("one").addEventListener("keydown", (event) => {
	if (event.key === "Escape")
		byId("back").click();
});
byId("flame-again").addEventListener("click", drawFlame);
byId("pause").addEventListener("click", () => setPaused(!paused));
document.addEventListener("visibilitychange", () => document.hidden || paused || refresh());
addEventListener("hashchange", applyView);
byId("pause").hidden = false;
applyView();
