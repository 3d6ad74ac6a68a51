// SPDX-License-Identifier: Apache-2.0
// Levels over time as an SVG of two lines, which can be read off with the mouse or with the arrow keys.
import { duration, element, number, setText, svg } from "./dom.js";

const HEIGHT = 152;
const TOP = 8;
const BOTTOM = 22;

// A round number above the highest level, so that the scale does not change all the time.
function roundUp(value) {
	if (value <= 4)
		return 4;
	const power = 10 ** Math.floor(Math.log10(value));
	return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12].map((step) => step * power).find((step) => step >= value * 1.02);
}

function short(value) {
	if (value >= 1e6)
		return `${+(value / 1e6).toFixed(1)}M`;
	return value >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : number(+value.toFixed(1));
}

export class Chart {
	// `lines`: [{ name, style }]; `size`: points from edge to edge.
	constructor(label, lines) {
		this.label = label;
		this.lines = lines.map((line) => ({ ...line, points: [] }));
		this.size = 600;
		this.interval = 1;
		this.at = null;
		this.image = svg("svg", { "aria-hidden": "true" });
		this.reading = element("p", { class: "reading", "aria-live": "polite" });
		this.node = element("div", { class: "chart", tabindex: "0", role: "group", "aria-roledescription": "chart" },
			this.reading, this.image);
		this.node.addEventListener("keydown", (event) => this.onKey(event));
		this.node.addEventListener("blur", () => this.read(null));
		this.image.addEventListener("pointermove", (event) => this.onPointer(event));
		this.image.addEventListener("pointerleave", () => this.read(null));
		new ResizeObserver(() => this.draw()).observe(this.node);
	}

	set(points, size, interval) {
		this.lines.forEach((line, i) => { line.points = points[i].slice(-size); });
		this.size = size;
		this.interval = interval;
		this.draw();
	}

	add(levels) {
		this.lines.forEach((line, i) => {
			line.points.push(levels[i]);
			if (line.points.length > this.size)
				line.points.shift();
		});
		this.draw();
	}

	// The edges are as far apart as there is something to show, in a few steps.
	get shown() {
		return [60, 120, 300, 600, 1440].find((size) => size >= this.count || size >= this.size);
	}

	get count() {
		return this.lines[0].points.length;
	}

	get span() {
		return this.shown * this.interval;
	}

	x(index) {
		return this.left + (this.width - this.left - 2) * (this.shown - this.count + index) / (this.shown - 1);
	}

	y(level) {
		return TOP + (HEIGHT - TOP - BOTTOM) * (1 - level / this.top);
	}

	// One path; where a level is not known, it has a gap.
	path(points) {
		let path = "", gap = true;
		points.forEach((level, i) => {
			if (level !== null)
				path += `${gap ? "M" : "L"}${this.x(i).toFixed(1)} ${this.y(level).toFixed(1)}`;
			gap = level === null;
		});
		return path;
	}

	area(points) {
		const known = points.findIndex((level) => level !== null);
		if (known < 0 || points.slice(known).includes(null))
			return "";
		return `${this.path(points)}V${HEIGHT - BOTTOM}H${this.x(known).toFixed(1)}Z`;
	}

	draw() {
		this.width = this.node.clientWidth || 320;
		const highest = Math.max(0, ...this.lines.flatMap((line) => line.points.filter((level) => level !== null)));
		this.top = roundUp(highest);
		this.left = 8 + 7 * short(this.top).length;
		this.image.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
		const parts = [];
		for (const level of [0, this.top / 2, this.top]) {
			const y = Math.round(this.y(level)) + 0.5;
			parts.push(svg("path", { class: "grid", d: `M${this.left} ${y}H${this.width}` }),
				svg("text", { x: this.left - 6, y: y + 4, "text-anchor": "end" }, short(level)));
		}
		parts.push(svg("text", { x: this.left, y: HEIGHT - 5 }, `${duration(this.span)} ago`),
			svg("text", { x: this.width, y: HEIGHT - 5, "text-anchor": "end" }, "now"));
		if (this.count > 1)
			parts.push(svg("path", { class: "area", d: this.area(this.lines[0].points) }));
		for (const line of this.lines)
			parts.push(svg("path", { class: `line ${line.style}`, d: this.path(line.points) }));
		if (this.at !== null && this.at < this.count)
			parts.push(svg("path", { class: "cursor", d: `M${this.x(this.at)} ${TOP}V${HEIGHT - BOTTOM}` }));
		this.image.replaceChildren(...parts);
		this.describe();
	}

	describe() {
		const levels = this.lines.map((line) => `${line.name} ${number(line.points.at(-1))}`).join(", ");
		this.node.setAttribute("aria-label", `${this.label} over ${duration(this.span)}: now ${levels}. Arrow keys read earlier ones.`);
		if (this.at === null)
			setText(this.reading, "");
	}

	read(index) {
		this.at = index === null || this.count === 0 ? null : Math.min(this.count - 1, Math.max(0, index));
		this.draw();
		if (this.at === null)
			return;
		const levels = this.lines.map((line) => `${line.name} ${number(line.points[this.at])}`).join(" · ");
		const ago = (this.count - 1 - this.at) * this.interval;
		setText(this.reading, `${ago ? `${duration(ago)} ago` : "now"}: ${levels}`);
	}

	onKey(event) {
		const step = Math.max(1, Math.round(this.shown / 60));
		const from = this.at ?? this.count;
		const moves = { ArrowLeft: from - step, ArrowRight: from + step, Home: 0, End: this.count - 1, Escape: null };
		if (!(event.key in moves))
			return;
		event.preventDefault();
		this.read(moves[event.key]);
	}

	onPointer(event) {
		const box = this.image.getBoundingClientRect();
		const x = (event.clientX - box.left) * this.width / box.width;
		const share = (x - this.left) / (this.width - this.left - 2);
		this.read(Math.round(share * (this.shown - 1)) - (this.shown - this.count));
	}
}
