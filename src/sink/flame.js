// SPDX-License-Identifier: GPL-2.0-only
// Draws the flame graph of the data in this page. Nothing is fetched, nothing is evaluated.
'use strict';
(() => {
	const data = JSON.parse(document.getElementById('data').textContent);
	const graph = document.getElementById('graph');
	const detail = document.getElementById('detail');
	const found = document.getElementById('found');
	const weights = document.getElementById('weight');
	const search = document.getElementById('search');
	const ROW = 20, LEAST = 0.4; // pixels
	const MAX_FRAMES = 20000;
	let weight = data.weight, zoomed = null, root = null;

	// Kinds of similar cost have similar colours.
	const hues = {
		demand_zero: 120, huge_zero: 140, stack_growth: 95, cow: 45, file_cow: 35, file_map: 205,
		mkwrite: 225, shmem: 180, swap_in: 275, hugetlb: 155, numa_hint: 300, userfaultfd: 320,
		wp_other: 60, device: 250, populate: 165,
	};
	const color = (kind) => kind.startsWith('denied') ? 'hsl(0 75% 68%)' :
		`hsl(${hues[kind] ?? 0} ${kind in hues ? 55 : 0}% 72%)`;

	const number = (value) => value.toLocaleString('en-US');
	const duration = (ns) => ns >= 1e9 ? `${(ns / 1e9).toFixed(2)} s` : ns >= 1e6 ?
		`${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e3).toFixed(1)} us`;
	const shown = (value) => data.weights[weight] === 'stall' ? duration(value) :
		`${number(value)} ${data.weights[weight]}`;

	function child(node, name, title) {
		let next = node.children.get(name);
		if (!next) {
			next = { name, title, parent: node, children: new Map(), value: 0, sampled: 0, kinds: new Map(), depth: node.depth + 1 };
			node.children.set(name, next);
		}
		return next;
	}

	function add(node, value, kind, sampled) {
		node.value += value;
		node.sampled += sampled ? value : 0;
		node.kinds.set(kind, (node.kinds.get(kind) ?? 0) + value);
	}

	function build() {
		root = { name: 'all', title: 'all', parent: null, children: new Map(), value: 0, sampled: 0, kinds: new Map(), depth: 0 };
		for (const [comm, stack, mapping, kind, values, sampled] of data.samples) {
			const value = values[weight];
			if (!value)
				continue;
			let node = root;
			add(node, value, kind, sampled);
			node = child(node, data.texts[comm], `process ${data.texts[comm]}`);
			add(node, value, kind, sampled);
			for (const place of stack) {
				const [label, where] = data.places[place];
				node = child(node, data.texts[label], `${data.texts[label]}  ${data.texts[where]}`);
				add(node, value, kind, sampled);
			}
			const leaf = `${data.texts[mapping]} (${kind})`;
			node = child(node, leaf, `mapping ${leaf}`);
			add(node, value, kind, sampled);
		}
	}

	function mainKind(node) {
		let best = '', most = -1;
		for (const [kind, value] of node.kinds)
			if (value > most)
				[best, most] = [kind, value];
		return best;
	}

	function describe(node) {
		const share = root.value ? (100 * node.value / root.value).toFixed(1) : '0';
		const kinds = [...node.kinds].sort((a, b) => b[1] - a[1]).map(([kind, value]) => `${kind} ${shown(value)}`);
		const sampled = node.sampled ? `; callers sampled: ${(100 * node.sampled / node.value).toFixed(1)} %` : '';
		return `${node.title}: ${shown(node.value)}, ${share} %: ${kinds.join(', ')}${sampled}`;
	}

	function isHit(node) {
		return search.value !== '' && node.name.toLowerCase().includes(search.value.toLowerCase());
	}

	// The weight of all frames that match; below a match nothing is counted again.
	function hits(node) {
		if (isHit(node))
			return node.value;
		let sum = 0;
		for (const next of node.children.values())
			sum += hits(next);
		return sum;
	}

	function draw() {
		const width = graph.clientWidth, frames = [];
		const top = zoomed ?? root;
		let deepest = 0;

		function place(node, left, wide, above) {
			if (wide < LEAST || frames.length >= MAX_FRAMES)
				return;
			deepest = Math.max(deepest, node.depth);
			const frame = document.createElement('button');
			frame.type = 'button';
			frame.className = `frame${above ? ' above' : ''}${isHit(node) ? ' hit' : ''}`;
			frame.style.left = `${left}px`;
			frame.style.width = `${wide}px`;
			frame.style.top = `${node.depth * ROW}px`;
			frame.style.background = color(mainKind(node));
			frame.textContent = wide > 25 ? node.name : '';
			frame.setAttribute('role', 'treeitem');
			frame.setAttribute('aria-level', node.depth + 1);
			frame.setAttribute('aria-label', describe(node));
			frame.title = describe(node);
			frame.addEventListener('click', () => zoom(node));
			frame.addEventListener('mouseenter', () => { detail.textContent = describe(node); });
			frame.addEventListener('focus', () => { detail.textContent = describe(node); });
			frames.push(frame);
		}

		function descend(node, left, wide) {
			place(node, left, wide, false);
			const children = [...node.children.values()].sort((a, b) => a.name < b.name ? -1 : 1);
			for (const next of children) {
				const part = node.value ? wide * next.value / node.value : 0;
				if (part >= LEAST)
					descend(next, left, part);
				left += part;
			}
		}

		for (let node = top.parent; node; node = node.parent)
			place(node, 0, width, true);
		descend(top, 0, width);
		graph.replaceChildren(...frames);
		graph.style.height = `${(deepest + 1) * ROW}px`;
		found.textContent = search.value === '' ? '' :
			`${(root.value ? 100 * hits(root) / root.value : 0).toFixed(1)} % matches`;
	}

	function zoom(node) {
		zoomed = node === root ? null : node;
		draw();
		detail.textContent = describe(node);
	}

	function path(node) {
		const names = [];
		for (; node && node.parent; node = node.parent)
			names.unshift(node.name);
		return names;
	}

	// Finds the zoomed frame again in the graph of another weight.
	function follow(names) {
		let node = root;
		for (const name of names) {
			const next = node.children.get(name);
			if (!next)
				break;
			node = next;
		}
		return node === root ? null : node;
	}

	data.weights.forEach((name, index) => {
		const option = document.createElement('option');
		option.value = index;
		option.textContent = name;
		weights.append(option);
	});
	weights.value = weight;
	weights.addEventListener('change', () => {
		const names = path(zoomed);
		weight = Number(weights.value);
		build();
		zoomed = follow(names);
		draw();
		detail.textContent = describe(zoomed ?? root);
	});
	search.addEventListener('input', draw);
	document.getElementById('reset').addEventListener('click', () => zoom(root));
	document.addEventListener('keydown', (event) => {
		if (event.key === 'Escape')
			zoom(root);
	});
	addEventListener('resize', draw);

	build();
	draw();
	const legend = document.getElementById('legend');
	for (const kind of new Set(data.samples.map((sample) => sample[3]))) {
		const item = document.createElement('li'), patch = document.createElement('i');
		patch.style.background = color(kind);
		item.append(patch, kind);
		legend.append(item);
	}
	detail.textContent = describe(root);
})();
