// SPDX-License-Identifier: Apache-2.0
// A card for each link: whether its peer answers, and what its two pools hold over time.
import { Chart } from "./chart.js";
import { byId, element, getJson, number, setPill, setText } from "./dom.js";

const POINTS = { recent: 600, day: 1440 };
const cards = new Map();
let kme = null;
let range = "recent";
let loaded = false;
let minute = 0;

function level(style, name) {
	const value = element("span", {}, "–");
	return { value, node: element("div", { class: style }, element("dt", {}, name), element("dd", {}, value, element("small", {}, " keys"))) };
}

function makeCard(link) {
	const own = level("own", "Ours to give");
	const theirs = level("theirs", "Theirs to give");
	const pill = element("p", { class: "pill", "data-state": "waiting" },
		element("span", { class: "dot", "aria-hidden": "true" }), element("span", {}, "Not tried yet"));
	const why = element("p", { class: "why" });
	why.hidden = true;
	const chart = new Chart(`Keys of the link with ${link.peer}`, [{ name: "ours", style: "own" }, { name: "theirs", style: "theirs" }]);
	const node = element("article", { class: "link", "aria-label": `Link with ${link.peer}` },
		element("div", { class: "link-head" },
			element("div", {}, element("h3", {}, link.peer), element("p", {}, `${link.address} · ${link.link}`)), pill),
		why, element("dl", { class: "levels" }, own.node, theirs.node), chart.node);
	return { node, pill, why, own, theirs, chart };
}

async function load() {
	const wanted = range;
	const history = await getJson(`/api/history?range=${wanted}`);
	if (wanted !== range)
		return;
	for (const link of history.links)
		cards.get(link.peer)?.chart.set([link.own, link.theirs], POINTS[wanted], history.interval);
	loaded = true;
}

function reload() {
	loaded = false;
	load().catch(() => {});
}

export function start(about) {
	kme = about;
	cards.clear();
	for (const link of kme.links)
		cards.set(link.peer, makeCard(link));
	byId("links").replaceChildren(...(cards.size ? [...cards.values()].map((card) => card.node)
		: [element("p", { class: "empty" }, "This KME has no links: its SAEs share keys among themselves.")]));
	reload();
}

function stateOf(link) {
	if (link.reachable === null)
		return ["waiting", "Not tried yet"];
	if (!link.reachable)
		return ["bad", "Not reachable"];
	return link.own === 0 ? ["bad", "Out of keys"] : ["good", "Working"];
}

function showLink(link, addPoint) {
	const card = cards.get(link.peer);
	if (!card)
		return;
	setPill(card.pill, ...stateOf(link));
	setText(card.why, link.why ?? "");
	card.why.hidden = !link.why;
	setText(card.own.value, number(link.own));
	setText(card.theirs.value, number(link.theirs));
	if (addPoint)
		card.chart.add([link.own, link.theirs]);
}

export function state(now) {
	const newMinute = Math.floor(now.time / 60000) !== minute;
	minute = Math.floor(now.time / 60000);
	const addPoint = loaded && (range === "recent" || newMinute);
	for (const link of now.links)
		showLink(link, addPoint);
}

byId("range").addEventListener("change", (change) => {
	range = change.target.value;
	reload();
});
