// SPDX-License-Identifier: Apache-2.0
// Small helpers. Text is only ever set as text, so that nothing a peer or an SAE sent becomes markup.

export const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes))
		if (value !== null && value !== undefined)
			node.setAttribute(name, value);
	node.append(...children.filter((child) => child !== null && child !== undefined));
	return node;
}

export const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

export const svg = (name, attributes = {}, ...children) =>
	fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

export const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en").replaceAll(",", "\u202f"));

export const plural = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");

export function duration(seconds) {
	for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]])
		if (seconds >= size)
			return plural(Math.floor(seconds / size), unit);
	return plural(Math.max(0, Math.floor(seconds)), "second");
}

// A live text is set only when it changes, so that screen readers are told once.
export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

export function setPill(pill, state, text) {
	if (pill.dataset.state !== state)
		pill.dataset.state = state;
	setText(pill.lastElementChild, text);
}

export async function getJson(url) {
	const answer = await fetch(url);
	if (answer.status === 401)
		location.assign("/login");
	if (!answer.ok)
		throw new Error(`${url}: ${answer.status}`);
	return answer.json();
}
